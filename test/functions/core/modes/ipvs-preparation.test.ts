import { expect, test } from 'vitest';
import { foreignVirtualServers, judgePrepareOutput } from '../../../../functions/core/modes/ipvs-preparation.ts';

const lines = [
  'nightshift-prepare=1',
  'kernel=6.1.0-30-cloud-amd64',
  'ipvsadm=installed',
  'loaded=ip_vs,ip_vs_rr',
  'builtin=nf_conntrack',
  'missing=',
  'scheduler=ok',
  'persisted=ok',
  'foreign-virtual-servers=',
  'probes=ok',
  'mode=ipvs',
  'syncMicros=41000',
  'connectMicros=unknown',
  'end=nightshift-prepare',
];
const judge = (output: string[]) =>
  judgePrepareOutput({ id: 'i-1', name: 'one' }, `${output.join('\n')}\n`, { scheduler: 'rr' });

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
  ['nothing to prove with', lines.with(9, 'probes=missing'), 'programs that ask the API server and DNS: missing'],
  ['a cut output', lines.slice(0, -1), 'the output is cut: its last line is missing'],
  [
    'another format',
    lines.with(0, 'nightshift-prepare=2'),
    [
      'the first line is not nightshift-prepare=1: this is not the output of prepare-node.sh',
      'a line is not understood (it is not a fact that the document prints): nightshift-prepare=2',
    ],
  ],
  [
    'a fact that is there twice',
    lines.toSpliced(7, 0, 'scheduler=missing'),
    'a line is not understood (scheduler is there twice): scheduler=missing',
  ],
  ['a fact that is missing', lines.toSpliced(1, 1), 'not reported: kernel'],
  ['several facts that are missing', lines.toSpliced(3, 3), 'not reported: loaded, builtin, missing'],
  [
    'a value that cannot be',
    lines.with(1, 'kernel=6.1; reboot'),
    ['a line is not understood (kernel has a value that it cannot have): kernel=6.1; reboot', 'not reported: kernel'],
  ],
  [
    'a line that is not understood',
    lines.toSpliced(3, 0, 'Segmentation fault'),
    'a line is not understood (it is not a fact that the document prints): Segmentation fault',
  ],
])('%s fails', (_, output, reason) => {
  expect(judge(output)).toMatchObject({ pass: false, reasons: [reason].flat() });
});

test('a node reports the virtual servers that kube-proxy did not make', () => {
  const foreign = 'foreign-virtual-servers=tcp/10.0.0.5:80,udp/[fd00::1]:53,fwm/7,+3';
  const output = lines.with(8, foreign);
  expect(judge(output)).toMatchObject({
    pass: false,
    reasons: [
      'kube-proxy in IPVS mode deletes virtual servers that it did not make: tcp/10.0.0.5:80, udp/[fd00::1]:53, fwm/7, +3 (move them, or acknowledge foreign-virtual-servers)',
    ],
  });
  const accepted = judgePrepareOutput({ id: 'i-1', name: 'one' }, output.join('\n'), {
    scheduler: 'rr',
    foreignAccepted: true,
  });
  expect(accepted).toMatchObject({ pass: true });
  expect(accepted.reasons[1]).toMatch(/^accepted: kube-proxy in IPVS mode deletes virtual servers/);
  expect(foreignVirtualServers(output.join('\n'))).toEqual(['tcp/10.0.0.5:80', 'udp/[fd00::1]:53', 'fwm/7', '+3']);
});

test('a node without such servers reports none, which differs from a node that does not report', () => {
  expect(foreignVirtualServers(lines.join('\n'))).toEqual([]);
  expect(foreignVirtualServers(lines.toSpliced(8, 1).join('\n'))).toBeUndefined();
});

test('a list of virtual servers that is not understood fails', () => {
  expect(judge(lines.with(8, 'foreign-virtual-servers=tcp/10.0.0.5:80,tcp/'))).toMatchObject({
    pass: false,
    reasons: [
      'a line is not understood (foreign-virtual-servers has a value that it cannot have): foreign-virtual-servers=tcp/10.0.0.5:80,tcp/',
      'not reported: foreign-virtual-servers',
    ],
  });
});

test('a node that does not report whether others have virtual servers fails: kube-proxy would delete them', () => {
  expect(judge(lines.toSpliced(8, 1))).toMatchObject({
    pass: false,
    reasons: ['not reported: foreign-virtual-servers'],
  });
});

test.each([
  ['ip_vs', 'kernel modules are missing: ip_vs'],
  ['ip_vs_lc,nf_conntrack', 'kernel modules are missing: nf_conntrack'],
  ['ip_vs_rr', 'kernel modules are missing: ip_vs_rr'],
])('a scheduler that is called ok without the modules that it needs fails: %s', (missing, reason) => {
  const output = lines.with(3, 'loaded=').with(4, 'builtin=').with(5, `missing=${missing}`);
  expect(judge(output)).toMatchObject({ pass: false, reasons: [reason] });
});

test('a module of another scheduler may be missing, but not both missing and there', () => {
  expect(judge(lines.with(5, 'missing=ip_vs_lc'))).toMatchObject({ pass: true });
  expect(judge(lines.with(3, 'loaded=ip_vs_lc').with(5, 'missing=ip_vs_lc'))).toMatchObject({
    pass: false,
    reasons: ['both there and missing: ip_vs_lc'],
  });
});

test('carriage returns before the newlines change nothing', () => {
  const report = judgePrepareOutput({ id: 'i-1', name: 'one' }, lines.join('\r\n'), { scheduler: 'rr' });
  expect(report).toMatchObject({ pass: true, reasons: ['modules loaded, kept for the next boot'] });
});
