import { expect, test } from 'vitest';
import { foreignVirtualServers, judgePrepareOutput } from '../../../functions/core/prepare-output.ts';

const lines = [
  'nightshift-prepare=1',
  'kernel=6.1.0-30-cloud-amd64',
  'ipvsadm=installed',
  'loaded=ip_vs,ip_vs_rr',
  'builtin=nf_conntrack',
  'missing=',
  'scheduler=ok',
  'persisted=ok',
  'probes=ok',
  'end=nightshift-prepare',
];
const judge = (output: string[]) => judgePrepareOutput({ id: 'i-1', name: 'one' }, `${output.join('\n')}\n`);

test('a prepared node passes with what it reported', () => {
  expect(judge(lines)).toMatchObject({
    pass: true,
    reasons: ['modules loaded, kept for the next boot'],
    facts: { kernel: '6.1.0-30-cloud-amd64', ipvsadm: 'installed', missing: '' },
  });
});

test('a package mirror that is down is a warning, not a failure', () => {
  const warned = lines.with(2, 'ipvsadm=failed').toSpliced(8, 0, 'warning=ipvsadm could not be installed: timeout');
  expect(judge(warned)).toMatchObject({
    pass: true,
    reasons: ['modules loaded, kept for the next boot', 'ipvsadm could not be installed: timeout'],
  });
});

test.each([
  ['a missing scheduler', lines.with(6, 'scheduler=missing'), 'scheduler is missing'],
  ['modules that a reboot loses', lines.with(7, 'persisted=failed'), 'modules at boot: failed'],
  ['nothing to prove with', lines.with(8, 'probes=missing'), 'programs that ask the API server and DNS: missing'],
  ['a cut output', lines.slice(0, 9), 'the output is cut: its last line is missing'],
  ['another format', lines.with(0, 'nightshift-prepare=2'), 'not the output of prepare-node.sh'],
  ['a fact that is there twice', lines.toSpliced(7, 0, 'scheduler=missing'), 'scheduler is there twice'],
  ['a fact that is missing', lines.toSpliced(1, 1), 'not reported: kernel'],
  ['several facts that are missing', lines.toSpliced(3, 3), 'not reported: loaded, builtin, missing'],
  [
    'a value that cannot be',
    lines.with(1, 'kernel=6.1; reboot'),
    ['kernel has a value that it cannot have: 6.1; reboot', 'not reported: kernel'],
  ],
  ['a line that is not understood', lines.toSpliced(3, 0, 'Segmentation fault'), 'an unknown line: Segmentation fault'],
])('%s fails', (_, output, reason) => {
  expect(judge(output)).toMatchObject({ pass: false, reasons: [reason].flat() });
});

test('an empty output fails', () => {
  expect(judge([])).toMatchObject({ pass: false });
});

test('a node reports the virtual servers that kube-proxy did not make', () => {
  const foreign = 'foreign-virtual-servers=tcp/10.0.0.5:80,udp/[fd00::1]:53,fwm/7,+3';
  const output = lines.toSpliced(8, 0, foreign);
  expect(judge(output)).toMatchObject({
    pass: false,
    reasons: [
      'kube-proxy in IPVS mode deletes virtual servers that it did not make: tcp/10.0.0.5:80, udp/[fd00::1]:53, fwm/7, +3 (move them, or acknowledge foreign-virtual-servers)',
    ],
  });
  const accepted = judgePrepareOutput({ id: 'i-1', name: 'one' }, output.join('\n'), { foreignAccepted: true });
  expect(accepted).toMatchObject({ pass: true });
  expect(accepted.reasons[1]).toMatch(/^accepted: kube-proxy in IPVS mode deletes virtual servers/);
  expect(foreignVirtualServers(output.join('\n'))).toEqual(['tcp/10.0.0.5:80', 'udp/[fd00::1]:53', 'fwm/7', '+3']);
});

test('a node without such servers reports none, which differs from a node that does not report', () => {
  expect(foreignVirtualServers(lines.toSpliced(8, 0, 'foreign-virtual-servers=').join('\n'))).toEqual([]);
  expect(foreignVirtualServers(lines.join('\n'))).toBeUndefined();
});

test('a list of virtual servers that is not understood fails', () => {
  expect(judge(lines.toSpliced(8, 0, 'foreign-virtual-servers=tcp/10.0.0.5:80,tcp/'))).toMatchObject({
    pass: false,
    reasons: ['foreign-virtual-servers is not understood: tcp/10.0.0.5:80,tcp/'],
  });
});

test('a node that lacks the fact passes: older versions of the document do not print it', () => {
  expect(judge(lines)).toMatchObject({ pass: true });
  expect(judge(lines).facts).not.toHaveProperty('foreign-virtual-servers');
});
