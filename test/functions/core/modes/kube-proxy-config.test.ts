import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidConfiguration } from '../../../../functions/core/errors.ts';
import { withProxying } from '../../../../functions/core/modes/kube-proxy-config.ts';
import { CONFIG_MAP } from '../fixtures.ts';

const LC = { mode: 'ipvs', scheduler: 'lc' } as const;

test('mode and scheduler differ, and not another byte', () => {
  expect(withProxying(CONFIG_MAP, LC)).toBe(
    CONFIG_MAP.replace('mode: "iptables"', 'mode: "ipvs"').replace('scheduler: ""', 'scheduler: "lc"'),
  );
});

test.each(['mode: iptables\n', 'mode: iptables\nipvs:\n', 'mode: iptables\nipvs: null\n'])(
  'a text without anything about IPVS gets it: %j',
  (text) => {
    expect(withProxying(text, LC)).toBe('mode: ipvs\nipvs:\n  scheduler: lc\n');
  },
);

test('iptables leaves the scheduler, which means nothing there', () => {
  expect(withProxying('mode: ipvs\nipvs:\n  scheduler: lc\n', { mode: 'iptables' })).toBe(
    'mode: iptables\nipvs:\n  scheduler: lc\n',
  );
});

test.each(['', '- a\n', 'mode: [', 'mode: a\nmode: b\n'])('a text that is no configuration is refused: %j', (text) => {
  expect(() => withProxying(text, LC)).toThrow(expect.objectContaining({ name: 'InvalidConfiguration' }));
});

const edited = (text: string) => withProxying(text, LC);

test('an octal of YAML 1.1 stays as it is written: kube-proxy reads 016 as 14', () => {
  const text = readFileSync(new URL('../../../fixtures/kube-proxy-config-octal.yaml', import.meta.url), 'utf8');
  expect(withProxying(text, { mode: 'ipvs', scheduler: 'rr' })).toBe(
    'mode: ipvs\niptables:\n  masqueradeBit: 016\nipvs:\n  scheduler: "rr"\n',
  );
});

test.each([
  ['a JSON text', '{"mode":"iptables","ipvs":{"scheduler":""}}', '{"mode":"ipvs","ipvs":{"scheduler":"lc"}}'],
  ['a JSON text without both', '{"a":1}', '{"ipvs": {"scheduler": "lc"}, "mode": "ipvs", "a":1}'],
  [
    'an indented JSON text',
    '{\n  "mode": "iptables",\n  "ipvs": {\n    "strictARP": true\n  }\n}\n',
    '{\n  "mode": "ipvs",\n  "ipvs": {\n    "scheduler": "lc",\n    "strictARP": true\n  }\n}\n',
  ],
  ['an empty flow mapping', 'mode: ""\nipvs: {}\n', 'mode: "ipvs"\nipvs: {scheduler: lc}\n'],
  ['empty values', 'mode:\nipvs:\n  scheduler:\n', 'mode: ipvs\nipvs:\n  scheduler: lc\n'],
  ['values that are null', 'mode: ~\nipvs:\n  scheduler: null # none\n', 'mode: ipvs\nipvs:\n  scheduler: lc # none\n'],
  ['a section in the middle', 'ipvs:\nmode: x\na: 1\n', 'ipvs:\n  scheduler: lc\nmode: ipvs\na: 1\n'],
  [
    'four spaces and no line break at the end',
    'iptables:\n    syncPeriod: 30s\nmode: iptables',
    'iptables:\n    syncPeriod: 30s\nmode: ipvs\nipvs:\n    scheduler: lc',
  ],
  [
    'CRLF line breaks',
    'mode: iptables\r\nipvs:\r\n  syncPeriod: 30s\r\na: 1\r\n',
    'mode: ipvs\r\nipvs:\r\n  syncPeriod: 30s\r\n  scheduler: lc\r\na: 1\r\n',
  ],
  [
    'document markers and a byte order mark',
    '\uFEFF---\nmode: iptables\nipvs:\n  a: 1\n...\n',
    '\uFEFF---\nmode: ipvs\nipvs:\n  a: 1\n  scheduler: lc\n...\n',
  ],
  ['a byte order mark before the first key', '\uFEFFa: 1\n', '\uFEFFa: 1\nmode: ipvs\nipvs:\n  scheduler: lc\n'],
  ['a block scalar at the end', 'mode: iptables\na: |+\n  x\n\n', 'mode: ipvs\na: |+\n  x\n\nipvs:\n  scheduler: lc\n'],
  [
    'a mode as a block scalar',
    'mode: >-\n  iptables\nipvs: {scheduler: lc}\n',
    'mode: >-\n  ipvs\nipvs: {scheduler: lc}\n',
  ],
  ['an explicit key', '? mode\n: iptables\n? ipvs\n: scheduler: x\n', '? mode\n: ipvs\n? ipvs\n: scheduler: lc\n'],
  [
    'a merge that brings other values',
    'x: &x {syncPeriod: 1s}\nmode: a\nipvs:\n  <<: *x\n  scheduler: b\n',
    'x: &x {syncPeriod: 1s}\nmode: ipvs\nipvs:\n  <<: *x\n  scheduler: lc\n',
  ],
  [
    'an anchor that nobody uses',
    'mode: &m iptables\nipvs: {scheduler: lc}\n',
    'mode: &m ipvs\nipvs: {scheduler: lc}\n',
  ],
])('%s is edited in its own style', (_, text, expected) => {
  expect(edited(text)).toBe(expected);
  expect(edited(expected)).toBe(expected);
});

test.each([
  ['an alias', 'x: &m iptables\nmode: *m\n', /mode comes through an alias: mode is \*m/],
  [
    'an alias of the section',
    'x: &i {scheduler: rr}\nmode: ipvs\nipvs: *i\n',
    /ipvs\.scheduler comes through an alias/,
  ],
  ['a merge key', 'x: &x {mode: iptables}\n<<: *x\n', /mode comes through a merge key/],
  [
    'a merge key of the section',
    'x: &x {scheduler: rr}\nmode: ipvs\nipvs:\n  <<: *x\n',
    /scheduler comes through a merge/,
  ],
  ['a value before a merge key', 'x: &x {mode: a}\nmode: b\n<<: *x\n', /mode stands before a merge key/],
  ['an anchor that others use', 'mode: &m iptables\nhostnameOverride: *m\n', /without changing other values/],
  ['a key that is there twice', 'mode: a\nipvs: {}\nmode: b\n', /mode is there twice/],
  ['a section that is a text', 'mode: ipvs\nipvs: rr\n', /ipvs is not a mapping/],
  ['a mode that is a list', 'mode: [iptables]\n', /mode is not a single value/],
  ['two documents', 'mode: a\n---\nmode: b\n', /cannot be read/],
])('a value that is %s is refused by name', (_, text, message) => {
  expect(() => edited(text)).toThrow(expect.objectContaining({ name: 'InvalidConfiguration' }));
  expect(() => edited(text)).toThrow(message);
});

describe('a text in any style', () => {
  /** A piece of a text; `field` is the field that it renders, with a value in place of what is there. */
  type Piece = { lines: string[]; field?: 'mode' | 'scheduler' };
  const quoted = fc.constantFrom(
    (word: string) => word,
    (word: string) => `"${word}"`,
    (word: string) => `'${word}'`,
  );
  const tail = fc.constantFrom('', ' # ours', '   ', '\t# tab');
  const VALUE = '\u0001';
  const scalarLine = (key: string, field: 'mode' | 'scheduler') =>
    fc
      .tuple(quoted, fc.constantFrom(' ', '   '), tail)
      .map(([quote, gap, end]): Piece => ({ field, lines: [`${key}:${gap}${quote(VALUE)}${end}`] }));
  const other: fc.Arbitrary<Piece> = fc
    .constantFrom<string[]>(
      ['masqueradeBit: 016'],
      ['big: 12345678901234567890123'],
      ['floats: [1.10, 1e3, .inf, 0x1F, 0b11, 1_000]'],
      ['# a comment', '', '#another'],
      ['words: {a: &anchor x, b: *anchor, "c": yes}'],
      ['dup: 1', 'dup: 2'],
      ['literal: |', '  mode: iptables', '', '  scheduler: rr'],
      ['folded: >-', '    ipvs:', '      scheduler: rr'],
      ['plain: goes', '  on here'],
      ['quoted: "mode: \\x41', '  b"'],
      ['list:', '- mode: iptables', '- ipvs: {scheduler: sh}'],
      ['nested:', '      mode: iptables', '      ipvs:', '        scheduler: wrr'],
      ['? explicit', ': value'],
      ['date: 2026-11-28', 'time: 12:30:45', 'nothing: ~', 'empty:'],
      ['"ключ": "ü – ✓ 😀"'],
    )
    .map((lines) => ({ lines }));
  const section = fc
    .tuple(
      fc.array(other, { maxLength: 2 }),
      fc.option(scalarLine('scheduler', 'scheduler'), { nil: null }),
      fc.array(other, { maxLength: 2 }),
      fc.constantFrom(1, 2, 4),
    )
    .filter(([before, own, after]) => own !== null || before.length + after.length > 0)
    .map(([before, own, after, step]): Piece[] => {
      const inside = [...before, ...(own ? [own] : []), ...after];
      const indented = inside.map((piece) => ({
        ...piece,
        lines: piece.lines.map((line) => (line === '' ? line : ' '.repeat(step) + line)),
      }));
      return inside.every(({ lines }) => lines.every((line) => line === '' || line.startsWith('#')))
        ? []
        : [{ lines: ['ipvs:'] }, ...indented];
    });
  const pieces = fc
    .tuple(
      fc.array(other, { maxLength: 4 }),
      fc.option(scalarLine('mode', 'mode'), { nil: null }),
      fc.option(section, { nil: [] }),
      fc.array(other, { maxLength: 3 }),
      fc.boolean(),
    )
    .map(([before, mode, ipvs, after, first]) => [
      ...before,
      ...(mode && first ? [mode] : []),
      ...ipvs,
      ...(mode && !first ? [mode] : []),
      ...after,
    ]);
  const frame = fc.record({
    eol: fc.constantFrom('\n', '\r\n'),
    bom: fc.boolean(),
    start: fc.boolean(),
    end: fc.constantFrom('none', 'line break', 'marker', 'comment'),
  });

  const render = (
    all: Piece[],
    { eol, bom, start, end }: { eol: string; bom: boolean; start: boolean; end: string },
    values: { mode: string; scheduler: string },
  ) => {
    const lines = all.flatMap(({ lines: own, field }) =>
      field ? own.map((line) => line.replace(VALUE, values[field])) : own,
    );
    const closing = { none: '', 'line break': eol, marker: `${eol}...${eol}`, comment: `${eol}# end` }[end] ?? '';
    return `${bom ? '\uFEFF' : ''}${start ? `---${eol}` : ''}${lines.join(eol)}${closing}`;
  };

  test('keeps every byte but the two values, and gets a line for a field that it lacks', () => {
    const hasKey = ({ lines }: Piece) => lines.some((line) => /^[^#\s]/.test(line.trim()));
    fc.assert(
      fc.property(pieces, frame, (all, how) => {
        fc.pre(all.some(hasKey));
        const before = render(all, how, { mode: 'iptables', scheduler: 'sed' });
        const wanted = render(all, how, { mode: 'ipvs', scheduler: 'lc' });
        const after = edited(before);
        const has = (field: string) => all.some((piece) => piece.field === field);
        const breaks = (text: string) => text.split(/\r?\n/);
        if (before.includes('\r\n')) expect(after.replaceAll('\r\n', '')).not.toContain('\n');
        const added = breaks(after).length - breaks(wanted).length;
        const section = all.some(({ lines }) => lines[0] === 'ipvs:');
        expect(added).toBe((has('mode') ? 0 : 1) + (has('scheduler') ? 0 : section ? 1 : 2));
        // What is left without the added lines is the text that was there.
        const rest = breaks(wanted);
        const extra = breaks(after).filter((line) => (line === rest[0] ? rest.shift() === undefined : true));
        expect(rest).toEqual([]);
        expect(extra.map((line) => line.trim()).sort()).toEqual(
          [
            ...(has('mode') ? [] : ['mode: ipvs']),
            ...(has('scheduler') ? [] : section ? ['scheduler: lc'] : ['ipvs:', 'scheduler: lc']),
          ].sort(),
        );
        expect(edited(after)).toBe(after);
      }),
      { numRuns: 300 },
    );
  });

  test('or is refused by name, and nothing else is thrown', () => {
    const fragment = fc.constantFrom(
      'mode',
      'ipvs',
      'scheduler',
      ':',
      ': ',
      '\n',
      '\n  ',
      '{',
      '}',
      '[',
      ']',
      ',',
      '"',
      "'",
      '&a ',
      '*a',
      '<<',
      '|',
      '>-',
      '#',
      '- ',
      '? ',
      '!!str ',
      '---\n',
      '...',
      '~',
      'iptables',
      '\t',
      '\r\n',
      '%',
    );
    fc.assert(
      fc.property(
        fc.array(fragment, { maxLength: 25 }).map((parts) => parts.join('')),
        (text) => {
          try {
            return edited(edited(text)) === edited(text);
          } catch (error) {
            return error instanceof InvalidConfiguration;
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
