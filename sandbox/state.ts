import type { Faults } from './faults.ts';
import type { Installation } from './installation.ts';
import type { Messaging } from './messaging.ts';
import type { Rates } from './rates/buckets.ts';
import type { KubernetesCluster, NodeOs, NodeReport, Region } from './region.ts';
import type { Schedules } from './services/scheduler/schedules.ts';
import type { StepFunctions } from './step-functions/engine.ts';

/** What `GET /_sandbox/state` answers. */
export interface SandboxState {
  now: string;
  clusters: ClusterReport[];
  executions: { name: string; status: string; arn: string }[];
  schedules: unknown[];
  /** `messages`: how many a receiver would get now. */
  queues: { name: string; messages: number }[];
  topics: { name: string; messages: readonly string[] }[];
  /** Names of the template's alarms that would ring now. */
  alarms: string[];
  /** Calls that met a rate so far, by `service:Operation`; only in a world with rates. */
  throttled?: Record<string, number>;
  /** Scripted faults that have not struck yet. */
  faults: unknown[];
}

export interface ClusterReport {
  name: string;
  addon: { status: string; version: string; configurationValues: string | null } | null;
  /** As kube-proxy reads it; both null, and the reason, where it would not start with it. */
  configMap: { mode: string; scheduler: string } | { mode: null; scheduler: null; problem: string };
  accessEntries: string[];
  nodes: NodeState[];
}

export type NodeState = {
  id: string;
  name: string;
  os: NodeOs;
  agent: string;
  runningMode: string | null;
  scheduler: string | null;
} & Pick<NodeReport, 'modules' | 'ipvsadmInstalled' | 'leftovers' | 'foreignVirtualServers' | 'synced'>;

const NO_MACHINE: NodeReport = {
  runningMode: null,
  scheduler: null,
  modules: [],
  ipvsadmInstalled: false,
  leftovers: { virtualServers: 0, rejectRules: 0, nftTables: 0 },
};

/** Asks every node's machine what it really runs, and uses nothing that was sent before. */
export async function reportState(
  region: Region,
  {
    stepFunctions,
    schedules,
    faults,
    messaging,
    installation,
    rates,
  }: {
    stepFunctions: StepFunctions;
    schedules: Schedules;
    faults: Faults;
    messaging: Messaging;
    installation: Installation;
    rates: Rates | undefined;
  },
): Promise<SandboxState> {
  const clusters = await Promise.all(
    [...region.clusters.values()].map(async (cluster): Promise<ClusterReport> => {
      const { name, addon, kubernetes, nodes, accessEntries } = cluster;
      return {
        name,
        addon: addon && {
          status: addon.status,
          version: addon.version,
          configurationValues: addon.configurationValues,
        },
        configMap: configMapOf(kubernetes),
        accessEntries: [...accessEntries.keys()],
        nodes: await Promise.all(
          nodes
            .filter(({ terminated }) => !terminated)
            .map(async ({ id, name: nodeName, os, agent, machine }) => ({
              id,
              name: nodeName,
              os,
              agent,
              ...(machine ? await machine.report() : NO_MACHINE),
            })),
        ),
      };
    }),
  );
  return {
    now: region.clock.now().toISOString(),
    clusters,
    executions: [...stepFunctions.executions.values()].map(({ name, status, arn }) => ({ name, status, arn })),
    schedules: schedules.list(),
    queues: messaging.queues
      .list()
      .map((queue) => ({ name: queue.name, messages: messaging.queues.visible(queue).length })),
    alarms: installation.ringingAlarms(messaging),
    topics: messaging.topics.list().map(({ arn, messages }) => ({ name: arn.split(':').at(-1) ?? '', messages })),
    faults: faults.list(),
    ...(rates && { throttled: rates.throttled() }),
  };
}

/** A person may have broken the ConfigMap by hand: the state is what one looks at then. */
function configMapOf(kubernetes: KubernetesCluster): ClusterReport['configMap'] {
  try {
    const { mode, scheduler } = kubernetes.kubeProxyConfig();
    return { mode, scheduler };
  } catch (error) {
    return { mode: null, scheduler: null, problem: error instanceof Error ? error.message : String(error) };
  }
}
