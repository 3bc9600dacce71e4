import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidConfiguration } from '../../../../functions/core/errors.ts';
import {
  alreadyTarget,
  configuredProxying,
  mergeTarget,
  parseConfiguration,
  withRestartAnnotation,
} from '../../../../functions/core/modes/addon-config.ts';
import type { Target } from '../../../../functions/core/modes/proxy-mode.ts';
import { checkAgainstSchema } from '../../../../functions/core/preflight/addon-schema.ts';
import { KUBE_PROXY_SCHEMA } from '../fixtures.ts';

const target: Target = { mode: 'ipvs', scheduler: 'lc' };
const merged = (text: string | null) => mergeTarget(parseConfiguration(text), target);

describe("an add-on's configuration values", () => {
  it.each([null, undefined])('are none where EKS gives %s', (text) => {
    expect(parseConfiguration(text)).toEqual({ text: null, format: 'none', values: {} });
  });

  it('keep their exact text, whatever its form', () => {
    expect(parseConfiguration('')).toEqual({ text: '', format: 'none', values: {} });
    expect(parseConfiguration(' { "podLabels":{"a":"ü"} }\n')).toEqual({
      text: ' { "podLabels":{"a":"ü"} }\n',
      format: 'json',
      values: { podLabels: { a: 'ü' } },
    });
    expect(parseConfiguration('# mine\npodLabels:\n  team: "net"\n')).toEqual({
      text: '# mine\npodLabels:\n  team: "net"\n',
      format: 'yaml',
      values: { podLabels: { team: 'net' } },
    });
  });

  it.each([
    ['just text', 'The configuration values must be a mapping (JSON or YAML), but they are a string.'],
    ['[1]', 'The configuration values must be a mapping (JSON or YAML), but they are a list.'],
    ['- a', 'The configuration values must be a mapping (JSON or YAML), but they are a list.'],
    ['null', 'The configuration values must be a mapping (JSON or YAML), but they are empty.'],
    ['# nothing', 'The configuration values must be a mapping (JSON or YAML), but they are empty.'],
    ['{"mode":"iptables","mode":"ipvs"}', 'The configuration values have a key twice: again at character 20.'],
    [
      '{"podLabels":{"team":"a"},\r"podLabels":{"cost":"b"}}',
      'The configuration values have a key twice: again at character 28.',
    ],
    [
      '{"podLabels":{"a":"}{","\\u0061":[{"a":":"}]}}',
      'The configuration values have a key twice: again at character 24.',
    ],
    [
      'podLabels:\n  enabled: yes\n',
      'The configuration values are YAML that versions 1.1 and 1.2 read differently (such as an unquoted yes, on, 0777 or date): put it in quotes.',
    ],
    ['a: .inf', 'The configuration value a is a number that JSON cannot keep: put it in quotes.'],
    [
      '{"a":{"b":12345678901234567890}}',
      'The configuration value a.b is a number that JSON cannot keep: put it in quotes.',
    ],
  ])('are refused where they cannot be kept: %j', (text, message) => {
    expect(() => parseConfiguration(text)).toThrow(new InvalidConfiguration(message));
  });

  it.each([
    'on: call',
    'y: a',
    '0x10: a',
    '1_000: b',
    '1.10: c',
    '010: d',
    '2026-11-20: e',
    'True: f',
    '~: g',
    'null: h',
    ': i',
    '1e3: j',
    '.inf: k',
    '[a]: l',
    '? {a: b}\n: m',
    '!!binary aGk=: n',
    '&x x: o\n*x : p',
  ])('are refused where readers of YAML disagree on a key: %j', (key) => {
    expect(() => parseConfiguration(`podLabels:\n  ${key}\n`)).toThrow(InvalidConfiguration);
  });

  it('keep keys that every reader of YAML reads alike', () => {
    const text = 'podLabels:\n  "on": call\n  \'0x10\': a\n  80: b\n  true: c\n  -1.5: d\n';
    expect(merged(text)).toBe(
      '{"podLabels":{"80":"b","on":"call","0x10":"a","true":"c","-1.5":"d"},"mode":"ipvs","ipvs":{"scheduler":"lc"}}',
    );
  });

  it.each(['a: !mine x\n', '%YAML 1.2\n---\non: a\n', '%MINE 1\n---\na: b\n'])(
    'are refused where something would be left out: %j',
    (text) => {
      expect(() => parseConfiguration(text)).toThrow(/nor YAML that can be kept/);
    },
  );

  it('have a key twice exactly if they do, whatever is in them', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('{', '"', '\\', ':', '\r', ','));
    const values = fc.dictionary(text, fc.oneof(text, fc.array(fc.dictionary(text, text))));
    const blank = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
    fc.assert(
      fc.property(values, text, blank, (before, key, space) => {
        const json = JSON.stringify({ ...before, [key]: 1 });
        expect(Object.keys(parseConfiguration(json).values)).toContain(key);
        const twice = `${json.slice(0, -1)},${space}${JSON.stringify(key)}${space}:2}`;
        expect(() => parseConfiguration(twice)).toThrow(/ twice: again at character \d+\.$/);
      }),
      { numRuns: 30 },
    );
  });

  it.each(['{"mode": ', 'a: 1\na: 2\n', 'a: [1', '{a: 1}}', '--- {a: 1}\n--- {b: 2}', 'a: *nowhere'])(
    'are refused where they are neither JSON nor YAML, and the sentence says why: %j',
    (text) => {
      expect(() => parseConfiguration(text)).toThrow(/neither JSON \(.+\) nor YAML that can be kept \(.+\)/);
    },
  );

  it.each([
    ['characters', 'x'.repeat(32_768)],
    ['bytes', 'ü'.repeat(25_000)],
    ['escapes', '\u0001'.repeat(9_000)],
  ])('cannot have more %s than state data carries', (_, long) => {
    expect(() => parseConfiguration(JSON.stringify({ long }))).toThrow(
      /^The configuration values have \d+ characters: too many to be kept for a rollback \(at most 32768\)\.$/,
    );
  });

  it('cannot grow beyond it when aliases are expanded', () => {
    const text = `a: &a ${'x'.repeat(10_000)}\nb: [*a, *a, *a, *a]\n`;
    expect(() => merged(text)).toThrow(/^The merged configuration values have 50\d+ characters/);
  });

  it('cannot be nested without end', () => {
    expect(() => parseConfiguration(`${'{"a":'.repeat(200)}1${'}'.repeat(200)}`)).toThrow(/nested more than 100 deep/);
  });
});

describe('merging the target', () => {
  it.each([
    [null, '{"mode":"ipvs","ipvs":{"scheduler":"lc"}}'],
    ['{}', '{"mode":"ipvs","ipvs":{"scheduler":"lc"}}'],
    [
      '{"ipvs":{"scheduler":"rr"},"resources":{"requests":{"cpu":"100m"}},"mode":"iptables"}',
      '{"ipvs":{"scheduler":"lc"},"resources":{"requests":{"cpu":"100m"}},"mode":"ipvs"}',
    ],
    ['podLabels:\n  team: "net"\n', '{"podLabels":{"team":"net"},"mode":"ipvs","ipvs":{"scheduler":"lc"}}'],
    ['ipvs:\n', '{"ipvs":{"scheduler":"lc"},"mode":"ipvs"}'],
    ['{"ipvs":{"other":1}}', '{"ipvs":{"other":1,"scheduler":"lc"},"mode":"ipvs"}'],
  ])('into %j keeps everything else', (text, expected) => {
    expect(merged(text)).toBe(expected);
  });

  it('keeps a key __proto__ a key, and pollutes nothing', () => {
    expect(merged('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}')).toBe(
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"mode":"ipvs","ipvs":{"scheduler":"lc"}}',
    );
    expect(merged('"__proto__":\n  mode: ipvs\n')).toBe(
      '{"__proto__":{"mode":"ipvs"},"mode":"ipvs","ipvs":{"scheduler":"lc"}}',
    );
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
    expect(alreadyTarget(parseConfiguration('{"__proto__":{"mode":"ipvs","ipvs":{"scheduler":"lc"}}}'), target)).toBe(
      false,
    );
  });

  it('refuses an ipvs that is no mapping', () => {
    expect(() => merged('{"ipvs":"rr"}')).toThrow(
      new InvalidConfiguration('The configuration value ipvs must be a mapping.'),
    );
  });

  it('changes only mode and ipvs.scheduler, for any values', () => {
    const text = fc.string({ unit: 'grapheme' });
    const leaf = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(text));
    const values = fc.dictionary(text, fc.oneof(leaf, fc.dictionary(text, leaf)));
    fc.assert(
      fc.property(values, fc.dictionary(fc.string(), fc.integer()), (others, ipvs) => {
        const before: Record<string, unknown> = JSON.parse(JSON.stringify({ ...others, ipvs }));
        const after: unknown = JSON.parse(merged(JSON.stringify(before)));
        expect(after).toEqual({ ...before, mode: 'ipvs', ipvs: { ...ipvs, scheduler: 'lc' } });
        expect(merged(merged(JSON.stringify(before)))).toBe(merged(JSON.stringify(before)));
        expect(alreadyTarget(parseConfiguration(merged(JSON.stringify(before))), target)).toBe(true);
      }),
    );
  });
});

describe('what the configuration asks for', () => {
  it.each([
    [null, { mode: 'iptables' }],
    ['{"mode":"iptables","ipvs":{"scheduler":"lc"}}', { mode: 'iptables' }],
    ['{"mode":"ipvs"}', { mode: 'ipvs', scheduler: 'rr' }],
    ['{"mode":"ipvs","ipvs":{"scheduler":"sh"}}', { mode: 'ipvs', scheduler: 'sh' }],
  ])('by %j is told', (text, proxying) => {
    expect(configuredProxying(parseConfiguration(text))).toEqual(proxying);
  });

  it('cannot be a mode or scheduler that nobody could go back to', () => {
    expect(() => configuredProxying(parseConfiguration('{"mode":"userspace"}'))).toThrow(/mode is "userspace"/);
    expect(() => configuredProxying(parseConfiguration('{"mode":"ipvs","ipvs":{"scheduler":"mh"}}'))).toThrow(/"mh"/);
  });

  it('is the target when a default is left out, is empty, or is spelt out', () => {
    const asks = (text: string, scheduler: 'rr' | 'lc') =>
      alreadyTarget(parseConfiguration(text), { mode: 'ipvs', scheduler });
    for (const text of ['{"mode":"ipvs"}', '{"mode":"ipvs","ipvs":{}}', 'mode: ipvs\nipvs: {scheduler: ""}\n']) {
      expect(asks(text, 'rr')).toBe(true);
      expect(asks(text, 'lc')).toBe(false);
    }
    expect(asks('{"mode":"ipvs","ipvs":"rr"}', 'rr')).toBe(false);
    expect(asks('{"mode":false}', 'rr')).toBe(false);
  });
});

describe('the restart annotation', () => {
  it('has a value of its own for every execution, so that pods restart', () => {
    const once = withRestartAnnotation(merged('{"podAnnotations":{"a":"b"}}'), 'demo-1');
    expect(JSON.parse(once)).toEqual({
      mode: 'ipvs',
      ipvs: { scheduler: 'lc' },
      podAnnotations: { a: 'b', 'nightshift/restart-for': 'demo-1' },
    });
    expect(JSON.parse(withRestartAnnotation(merged(once), 'demo-2'))).toMatchObject({
      podAnnotations: { a: 'b', 'nightshift/restart-for': 'demo-2' },
    });
  });
});

describe("the add-on's live schema", () => {
  it('is followed through its references', () => {
    expect(checkAgainstSchema({ mode: 'ipvs', ipvs: { scheduler: 'rr' } }, KUBE_PROXY_SCHEMA)).toEqual({
      supported: true,
      modes: ['iptables', 'ipvs'],
      problems: [],
    });
  });

  it.each([
    [{ mode: 'nftables' }, { supported: false, problems: ['mode must be one of iptables, ipvs'] }],
    [{ tolerations: [] }, { supported: true, problems: ["the configuration must not have the field 'tolerations'"] }],
    [
      { mode: 'ipvs', ipvs: { scheduler: 1 } },
      { supported: true, problems: ['ipvs.scheduler must be string'] },
    ],
  ])('says what %j breaks', (values, expected) => {
    expect(checkAgainstSchema(values, KUBE_PROXY_SCHEMA)).toMatchObject(expected);
  });

  it.each(['', 'null', '{"$ref":"#/definitions/Nowhere"}', '{"$ref":"#"}', '{"type":"nothing"}', '{}'])(
    'that is not understood supports nothing: %j',
    (schema) => {
      expect(checkAgainstSchema({ mode: 'ipvs' }, schema)).toMatchObject({ supported: false, modes: [] });
    },
  );
});
