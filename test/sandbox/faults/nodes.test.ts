import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PATIENT } from '../../patience.ts';
import { PAUSE, Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.open();
});
beforeEach(() => scene.load());
afterEach(() => expect(scene.bugs).toEqual([]));
afterAll(() => scene.stop());

const PARAMETERS = {
  'prepare-node': { Scheduler: ['rr'] },
  'validate-node': { ApiServer: ['10.100.0.1'], Dns: ['10.100.0.10'], Scheduler: ['rr'] },
  'clean-node': {},
} as const;
const ADDON = { clusterName: 'demo', addonName: 'kube-proxy' };

/** Sends a document to nodes and lets time run until nothing is left to do. */
async function command(document: keyof typeof PARAMETERS, nodes: readonly number[], mode = 'ipvs') {
  const InstanceIds = nodes.map((index) => scene.nodes[index]?.id ?? '');
  const Parameters: Record<string, string[]> = Object.fromEntries(
    Object.entries({ ...PARAMETERS[document], Mode: [mode] }).map(([name, values]) => [name, [...values]]),
  );
  const { Command } = await scene.ssm.sendCommand({
    DocumentName: `nightshift-${document}`,
    InstanceIds,
    Parameters,
    TimeoutSeconds: 60,
    MaxErrors: '100%',
  });
  return Command?.CommandId ?? '';
}

async function results(CommandId: string) {
  await scene.idle();
  const { CommandInvocations = [] } = await scene.ssm.listCommandInvocations({ CommandId, Details: true });
  return CommandInvocations.map(({ StatusDetails, CommandPlugins }) => ({
    details: StatusDetails,
    output: CommandPlugins?.[0]?.Output ?? '',
    seconds:
      ((CommandPlugins?.[0]?.ResponseFinishDateTime?.getTime() ?? 0) -
        (CommandPlugins?.[0]?.ResponseStartDateTime?.getTime() ?? 0)) /
      1000,
  }));
}

const pings = async () => {
  const { InstanceInformationList = [] } = await scene.ssm.describeInstanceInformation({});
  return InstanceInformationList.map(({ PingStatus }) => PingStatus);
};
const running = async () => (await scene.state()).clusters[0]?.nodes.map(({ runningMode }) => runningMode);
const toIpvs = async () => {
  await scene.eks.updateAddon({
    ...ADDON,
    configurationValues: '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}',
    resolveConflicts: 'OVERWRITE',
  });
  await scene.idle();
};
const restart = async () => {
  const api = scene.kubernetes();
  const { items } = await api.listNamespacedPod({ namespace: 'kube-system', labelSelector: 'k8s-app=kube-proxy' });
  for (const { metadata } of items)
    await api.deleteNamespacedPod({ namespace: 'kube-system', name: metadata?.name ?? '' });
  await scene.idle();
};
const pods = async () => {
  const { items } = await scene.kubernetes().listNamespacedPod({ namespace: 'kube-system' });
  return items.map(({ status }) => {
    const [container] = status?.containerStatuses ?? [];
    return [container?.restartCount, container?.state?.waiting?.reason ?? 'running'];
  });
};

describe('an agent', () => {
  test('goes offline and comes back after as many seconds as it says', async () => {
    const machine = await scene.machine('pausing', { Pause: PAUSE });
    await scene.arm({ at: 'Pause', node: 1, fault: 'agent-offline', for: 600 });
    await scene.live.region.clock.busy(async () => {
      await scene.sfn.startExecution({ stateMachineArn: machine });
      await expect.poll(pings, PATIENT).toEqual(['Online', 'ConnectionLost', 'Online']);
    });
    await scene.idle();
    expect(await pings()).toEqual(['Online', 'Online', 'Online']);
  });

  test('that goes while a command runs tells its end when it is back', async () => {
    const id = await scene.live.region.clock.busy(async () => {
      await scene.arm({ node: 0, fault: 'agent-offline', for: 100, after: 1 });
      return command('prepare-node', [0, 1]);
    });
    const [away, there] = await results(id);
    expect(there?.seconds).toBeLessThan(31);
    expect(away).toMatchObject({ details: 'Success' });
    expect(away?.seconds).toBeGreaterThan(95);
  });

  test('that never comes back leaves the command undelivered', async () => {
    await scene.arm({ node: 2, fault: 'agent-offline' });
    expect((await results(await command('prepare-node', [2]))).map(({ details }) => details)).toEqual([
      'Undeliverable',
    ]);
  });
});

describe('a node that is terminated', () => {
  test('is terminated in EC2, lost to SSM, and its Node and pod are gone', async () => {
    await scene.arm({ node: 1, fault: 'terminated' });
    const { Reservations = [] } = await scene.ec2.describeInstances({});
    expect(Reservations.map(({ Instances }) => Instances?.[0]?.State?.Name)).toEqual([
      'running',
      'terminated',
      'running',
    ]);
    expect(await pings()).toEqual(['Online', 'ConnectionLost', 'Online']);
    expect((await scene.kubernetes().listNode()).items).toHaveLength(2);
    expect(await pods()).toHaveLength(2);
    await expect(command('prepare-node', [1])).rejects.toMatchObject({ name: 'InvalidInstanceId' });
  });

  test('takes its commands with it: what waits is Undeliverable, what runs Terminated and without output', async () => {
    const [waiting, working] = await scene.live.region.clock.busy(async () => {
      await scene.arm({ node: 0, fault: 'terminated', after: 2 }, { node: 1, fault: 'agent-offline' });
      await scene.arm({ node: 1, fault: 'terminated', after: 2 });
      return [await command('prepare-node', [1]), await command('prepare-node', [0])];
    });
    expect(await results(waiting)).toMatchObject([{ details: 'Undeliverable' }]);
    expect(await results(working)).toMatchObject([{ details: 'Terminated', output: '' }]);
  });
});

describe('a kube-proxy in nftables mode', () => {
  const NFTABLES = '{"mode":"nftables"}';
  const toNftables = async () => {
    await scene.eks.updateAddon({ ...ADDON, configurationValues: NFTABLES, resolveConflicts: 'OVERWRITE' });
    await scene.idle();
  };
  const validated = async (...facts: string[]) => {
    const outputs = await results(await command('validate-node', [0, 1, 2], 'nftables'));
    return outputs.map(({ output }) =>
      facts.map((fact) => new RegExp(`^${fact}=(.*)$`, 'm').exec(output ?? '')?.[1]).join(' '),
    );
  };

  test('whose every sync fails answers with its mode, and has no tables: one node', async () => {
    await toNftables();
    await scene.arm({ node: 1, fault: 'syncs-fail' });
    await restart();
    const whole = 'nftables 2 ok 0 0 ok';
    expect(
      await validated('proxyMode', 'nftTables', 'healthz', 'syncFailures', 'syncFailuresLater', 'apiServerProbe'),
    ).toEqual([whole, expect.stringMatching(/^nftables 0 (ok|failed) \d+ \d+ failed$/), whole]);
  });

  test('and all nodes, as often as it says; another mode is not struck', async () => {
    await scene.arm({ node: 'all', fault: 'syncs-fail', mode: 'nftables', times: 1 });
    await restart();
    expect((await scene.state()).clusters[0]?.nodes.map(({ runningMode }) => runningMode)).toEqual([
      'iptables',
      'iptables',
      'iptables',
    ]);
    await toNftables();
    await restart();
    expect(await validated('proxyMode', 'nftTables')).toEqual(['nftables 0', 'nftables 0', 'nftables 0']);
    await restart();
    expect(await validated('proxyMode', 'nftTables')).toEqual(['nftables 2', 'nftables 2', 'nftables 2']);
  });

  test('that is in the mode already fails from then on, until it is restarted', async () => {
    await toNftables();
    await restart();
    await scene.arm({ node: 0, fault: 'syncs-fail', times: 1 });
    expect(await validated('nftTables', 'apiServerProbe')).toEqual(['2 ok', '2 ok', '2 ok']);
    expect((await validated('syncFailures'))[0]).not.toBe('0');
    await restart();
    expect((await validated('syncFailures'))[0]).toBe('0');
  });

  test('whose first sync takes minutes has written nothing before it ends', async () => {
    await toNftables();
    await scene.arm({ node: 2, fault: 'slow-syncs', times: 1 });
    await restart();
    expect((await validated('nftTables', 'healthz', 'syncedAt', 'syncMicros'))[2]).toBe('0 failed unknown unknown');
    await scene.live.region.clock.skip(133_000);
    expect((await validated('nftTables', 'healthz', 'syncMicros'))[2]).toBe('2 ok 133000000');
  });

  test('that leaves it with its tables is cleaned by the document', async () => {
    await toNftables();
    await restart();
    await scene.arm({ node: 1, fault: 'nft-leftovers' });
    await scene.eks.updateAddon({ ...ADDON, configurationValues: '{}', resolveConflicts: 'OVERWRITE' });
    await scene.idle();
    await restart();
    const left = async () =>
      (await scene.state()).clusters[0]?.nodes.map(({ leftovers }) => leftovers.nftTables).join(' ');
    expect(await left()).toBe('0 2 0');
    const [cleaned] = await results(await command('clean-node', [1], 'iptables'));
    expect(cleaned?.output).toContain('\nremovedNftTables=2\n');
    expect(await left()).toBe('0 0 0');
  });
});

describe('what a node says', () => {
  test('of preparation: a mirror that is down is a warning, a missing module a failure', async () => {
    await scene.arm({ node: 0, fault: 'package-mirror-down' }, { node: 1, fault: 'module-missing:ip_vs_rr' });
    const [mirror, module, whole] = await results(await command('prepare-node', [0, 1, 2]));
    expect(mirror).toMatchObject({ details: 'Success' });
    expect(mirror?.output).toContain('warning=ipvsadm could not be installed');
    expect(module).toMatchObject({ details: 'Failed' });
    expect(module?.output).toContain('has no module ip_vs_rr');
    expect(whole).toMatchObject({ details: 'Success' });
  });

  test('of IPVS: cluster DNS has no real server, as often as it says', async () => {
    await toIpvs();
    await restart();
    await scene.arm({ node: 0, fault: 'dns-without-backends', times: 1 });
    const [empty] = await results(await command('validate-node', [0]));
    expect(empty?.output).toContain('dnsProbe=failed');
    expect(empty?.output).toMatch(/UDP {2}10\.100\.0\.10:0*(53|0035) rr\n>>|UDP {2}0A64000A:0035 rr\n>>/);
    const [whole] = await results(await command('validate-node', [0]));
    expect(whole?.output).toContain('dnsProbe=ok');
  });

  test('is cut short before its last line', async () => {
    await scene.arm({ node: 0, fault: 'output-garbage', how: 'cut' });
    const [cut] = await results(await command('prepare-node', [0]));
    expect(cut).toMatchObject({ details: 'Success' });
    expect(cut?.output).not.toContain('end=nightshift-prepare');
    const [whole] = await results(await command('prepare-node', [0]));
    expect(whole?.output).toContain('end=nightshift-prepare');
  });

  test('is unreadable for one half of it, and only where the document is the one that is meant', async () => {
    await scene.arm({ node: 0, fault: 'output-garbage', how: 'garbled', document: 'validate-node' });
    expect((await results(await command('prepare-node', [0])))[0]?.output).toContain('end=nightshift-prepare');
    const [garbled] = await results(await command('validate-node', [0]));
    const characters = [...(garbled?.output ?? '')];
    expect(characters.filter((character) => character === '\uFFFD').length * 2).toBeGreaterThanOrEqual(
      characters.length,
    );
  });

  test('takes twenty times as long when the node is slow', async () => {
    await scene.arm({ node: 0, fault: 'slow', times: 1 });
    const [slow, usual] = await results(await command('validate-node', [0, 1]));
    expect(slow?.seconds).toBeGreaterThanOrEqual(48);
    expect(usual?.seconds).toBeLessThanOrEqual(3.6);
    expect((await results(await command('validate-node', [0])))[0]?.seconds).toBeLessThanOrEqual(3.6);
  });
});

describe('kube-proxy', () => {
  test('exits at its next start, and the kubelet starts it again', async () => {
    await scene.arm({ node: 0, fault: 'kube-proxy-crash' });
    await restart();
    expect(await running()).toEqual(['iptables', 'iptables', 'iptables']);
    expect((await pods()).toSorted()).toEqual([
      [0, 'running'],
      [0, 'running'],
      [1, 'running'],
    ]);
  });

  test('exits at every start in one mode, and runs in the other', async () => {
    await scene.arm({ node: 0, fault: 'kube-proxy-crash', times: 'every', mode: 'ipvs' });
    await restart();
    expect(await running()).toEqual(['iptables', 'iptables', 'iptables']);
    await toIpvs();
    await restart();
    expect(await running()).toEqual([null, 'ipvs', 'ipvs']);
    expect((await pods()).filter(([, state]) => state === 'CrashLoopBackOff')).toHaveLength(1);
  });
});

describe('nodes that join', () => {
  test('run kube-proxy with the ConfigMap of now, unprepared, and are known to SSM some seconds later', async () => {
    await toIpvs();
    await scene.live.region.clock.busy(async () => {
      await scene.arm({ join: { os: 'al2023', count: 2 } });
      expect(await pings()).toEqual(['Online', 'Online', 'Online']);
      expect((await scene.ec2.describeInstances({})).Reservations).toHaveLength(5);
    });
    await scene.idle();
    expect(await pings()).toEqual(['Online', 'Online', 'Online', 'Online', 'Online']);
    expect(await running()).toEqual(['iptables', 'iptables', 'iptables', 'ipvs', 'ipvs']);
    expect((await scene.state()).clusters[0]?.nodes.map(({ ipvsadmInstalled }) => ipvsadmInstalled)).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
  });
});

test('"any" node is the same one for the same seed, and one that the fault can befall', async () => {
  const struck = async () => {
    await scene.load({
      nodeGroups: [
        { os: 'windows', count: 1 },
        { os: 'al2023', count: 4 },
      ],
    });
    await scene.arm({ node: 'any', fault: 'terminated' }, { node: 'any', fault: 'kube-proxy-crash' });
    return scene.nodes.findIndex(({ terminated }) => terminated);
  };
  const first = await struck();
  expect(first).toBeGreaterThanOrEqual(0);
  expect(await struck()).toBe(first);
});
