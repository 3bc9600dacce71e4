import { expect, test } from 'vitest';
import { withProxying } from '../../../functions/core/kube-proxy-config.ts';
import { CONFIG_MAP } from './fixtures.ts';

const LC = { mode: 'ipvs', scheduler: 'lc' } as const;

test('mode and scheduler differ, and not another byte', () => {
  expect(withProxying(CONFIG_MAP, LC)).toBe(
    CONFIG_MAP.replace('mode: "iptables"', 'mode: "ipvs"').replace('scheduler: ""', 'scheduler: "lc"'),
  );
});

test('comments and unknown fields stay', () => {
  const text =
    '# ours\nmode: iptables # for now\nfeatureGates:\n  SomeGate: true\nipvs:\n  # see the wiki\n  strictARP: true\n';
  expect(withProxying(text, LC)).toBe(
    '# ours\nmode: ipvs # for now\nfeatureGates:\n  SomeGate: true\nipvs:\n  # see the wiki\n  strictARP: true\n  scheduler: lc\n',
  );
});

test.each(['mode: iptables\n', 'mode: iptables\nipvs:\n', 'mode: iptables\nipvs: null\n'])(
  'a text without anything about IPVS gets it: %j',
  (text) => {
    expect(withProxying(text, LC)).toBe('mode: ipvs\nipvs:\n  scheduler: lc\n');
  },
);

test('a text that already asks for it comes back as it is, however it is written', () => {
  const text = 'mode:    ipvs\nipvs: {scheduler: lc}\n\n\n';
  expect(withProxying(text, LC)).toBe(text);
});

test('iptables leaves the scheduler, which means nothing there', () => {
  expect(withProxying('mode: ipvs\nipvs:\n  scheduler: lc\n', { mode: 'iptables' })).toBe(
    'mode: iptables\nipvs:\n  scheduler: lc\n',
  );
});

test.each(['', '- a\n', 'mode: [', 'mode: a\nmode: b\n'])('a text that is no configuration is refused: %j', (text) => {
  expect(() => withProxying(text, LC)).toThrow(expect.objectContaining({ name: 'InvalidConfiguration' }));
});
