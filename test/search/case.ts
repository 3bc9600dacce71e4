import { z } from 'zod';

/** One run: a world, what is asked of it at its first moment, and what goes wrong. JSON, so that it can be pasted. */
export interface Case {
  world: CaseWorld;
  requests: CaseRequest[];
  /** As `POST /_sandbox/faults` takes them. */
  faults: CaseFault[];
}

/** What a world file says of these runs; further members are left to the sandbox. */
export interface CaseWorld {
  start: string;
  seed: number;
  /** Seconds until a grant counts everywhere; the sandbox's own number if not given. */
  grantSeconds?: number;
  /** Seconds that EKS takes for an update of the add-on; the sandbox's own number if not given. */
  addonUpdateSeconds?: number;
  /** Moments at which the Change Calendar `freeze`, OPEN at first, flips. */
  freeze: string[];
  clusters: CaseCluster[];
}

export interface CaseCluster {
  name: string;
  version: string;
  serviceCidr: string;
  services: number;
  servicesWithoutEndpoints: number;
  endpoint: 'public' | 'private';
  authenticationMode: 'API' | 'API_AND_CONFIG_MAP' | 'CONFIG_MAP';
  /** The only addresses that the public endpoint answers. */
  publicAccessCidrs?: string[];
  /** How many updates of the add-on there were before. */
  pastUpdates?: number;
  /** Networks in which hybrid nodes may be. */
  remoteNodeNetworks?: string[];
  /** Fields of kube-proxy's configuration that somebody edited in the ConfigMap by hand. */
  workloads?: { configMapEdits: Record<string, unknown> };
  addon: { version: string; configuration: string | null } | null;
  nodeGroups: CaseNodes[];
}

export interface CaseNodes {
  os: 'al2023' | 'al2' | 'ubuntu' | 'bottlerocket' | 'windows' | 'fargate';
  count: number;
  ssm?: 'online' | 'offline' | 'none';
  missingModules?: string[];
  packageMirror?: 'up' | 'down';
  /** IPVS virtual servers of others on each node. */
  foreignVirtualServers?: string[];
  /** `person`: without the cluster's tags, so that only Kubernetes knows the node. */
  startedBy?: 'eks' | 'karpenter' | 'person';
}

export interface CaseRequest {
  cluster: string;
  target: { mode: 'ipvs'; scheduler: string } | { mode: 'nftables' };
  window?: string;
  now?: { reason: string };
  acknowledge?: string[];
  strategy?: string;
  selfManaged?: string;
  requestedBy?: string;
  notBefore?: string;
}

export type CaseFault = Record<string, unknown>;

/** A pasted case: what is misspelt in a world, a request or a fault is refused by the sandbox and by the product. */
export const caseShape = z.strictObject({
  world: z.custom<CaseWorld>((value) => z.looseObject({ clusters: z.array(z.unknown()) }).safeParse(value).success),
  requests: z.array(z.custom<CaseRequest>((value) => z.looseObject({ cluster: z.string() }).safeParse(value).success)),
  faults: z.array(z.record(z.string(), z.unknown())),
});

/** A window as AWS is told and, beside it, as this search reads a clock: minutes and weekdays in UTC. */
export interface KnownWindow {
  schedule: string;
  /** 0 = Sunday; null = every day. */
  weekday: number | null;
  /** Minutes after midnight. */
  opens: number;
  hours: number;
  cutoffHours: number;
  frozen: boolean;
}

/** The same for all worlds, since a function's environment that stays the same stays warm. */
export const WINDOWS: Readonly<Record<string, KnownWindow>> = {
  weekend: { schedule: 'cron(0 2 ? * SAT *)', weekday: 6, opens: 120, hours: 4, cutoffHours: 1, frozen: false },
  nightly: { schedule: 'cron(0 22 * * ? *)', weekday: null, opens: 1320, hours: 4, cutoffHours: 1, frozen: false },
  brief: { schedule: 'cron(30 3 * * ? *)', weekday: null, opens: 210, hours: 1, cutoffHours: 0, frozen: false },
  frozen: { schedule: 'cron(0 22 * * ? *)', weekday: null, opens: 1320, hours: 4, cutoffHours: 1, frozen: true },
};

/** The world file of a case. */
export function worldFile(world: CaseWorld): Record<string, unknown> {
  const { start, seed, grantSeconds, addonUpdateSeconds, freeze, clusters } = world;
  const latencies = {
    ...(grantSeconds !== undefined && { grant: grantSeconds }),
    ...(addonUpdateSeconds !== undefined && { addonUpdate: addonUpdateSeconds }),
  };
  return {
    account: '111122223333',
    region: 'us-east-1',
    start,
    seed,
    clusters,
    windows: Object.fromEntries(
      Object.entries(WINDOWS).map(([name, { schedule, hours, cutoffHours, frozen }]) => [
        name,
        {
          schedule,
          timezone: 'UTC',
          durationHours: hours,
          cutoffHours,
          changeCalendars: frozen ? ['freeze'] : [],
        },
      ]),
    ),
    latencies,
    calendars: { freeze: { state: 'OPEN', transitions: freeze } },
  };
}
