import { z } from 'zod';
import { NODE_SYSTEMS } from '../region.ts';
import { STATE_VALUES } from '../wire/cloudwatch-types.ts';

/** How often something strikes; `every` is kept as Infinity. */
const HowOften = z.union([z.literal('every').transform(() => Number.POSITIVE_INFINITY), z.int().min(1).max(100_000)], {
  error: 'must be a whole number from 1 to 100000, or "every"',
});
const Times = HowOften.default(1);

const YEAR_SECONDS = 31_536_000;

/** When a fault is armed: members that every kind may have. */
const When = {
  /** Name of a state: armed when an execution enters it, before the state does anything. Without it at once. */
  at: z.string().min(1).optional(),
  /** Of which state machine the state must be. */
  machine: z.string().min(1).optional(),
  /** At which visit of one execution to the state. */
  visit: z.int().min(1).max(10_000).default(1),
  /** Seconds of the sandbox's time between that moment and the fault. */
  after: z.number().min(0).max(YEAR_SECONDS).default(0),
};

/** The faults of a node, with the members that each takes besides `node` and `cluster`. */
export const NODE_FAULTS = {
  'agent-offline': ['for'],
  'package-mirror-down': ['for'],
  'module-missing': [],
  'kube-proxy-crash': ['times', 'mode'],
  terminated: [],
  'dns-without-backends': ['times'],
  'api-server-lost': ['times'],
  /**
   * Every sync of the next kube-proxies in this mode fails; without it, in the mode that the cluster is configured for.
   * One that is in it already is the first of them.
   */
  'syncs-fail': ['times', 'mode'],
  /** From its next start on, a sync of kube-proxy takes minutes. */
  'slow-syncs': ['times', 'mode'],
  /** A kube-proxy that leaves nftables mode leaves its two tables. */
  'nft-leftovers': ['times'],
  'output-garbage': ['times', 'document', 'how'],
  slow: ['times'],
} as const satisfies Record<string, readonly string[]>;
export type NodeFaultName = keyof typeof NODE_FAULTS;

const Os = z.enum(NODE_SYSTEMS);
const Module = z.string().regex(/^[a-z0-9_]+$/, 'must be a kernel module');

/** Every action of another principal may name its cluster. Default: the cluster of the execution. */
const Deed = { ...When, cluster: z.string().min(1).optional() };
const Principal = z.string().regex(/^arn:/, 'must be the ARN of the principal that the entry is for').optional();

/** What another principal does to a cluster, by the value of `other`. */
const OTHERS = [
  /** UpdateAddon with this configuration, as it stands. */
  z.strictObject({ ...Deed, other: z.literal('change-addon'), configuration: z.string() }),
  /** UpdateAddon to this version; default: the newest that EKS offers for the cluster. The configuration stays. */
  z.strictObject({ ...Deed, other: z.literal('upgrade-addon'), version: z.string().min(1).optional() }),
  /** DeleteAddon with `preserve`: kube-proxy stays without an add-on. */
  z.strictObject({ ...Deed, other: z.literal('delete-addon') }),
  /** The whole text of kube-proxy's configuration, or fields of it by their path with dots. */
  z.strictObject({
    ...Deed,
    other: z.literal('edit-config-map'),
    text: z.string().optional(),
    fields: z.record(z.string().min(1), z.unknown()).optional(),
  }),
  z.strictObject({ ...Deed, other: z.literal('delete-lease') }),
  /** Deletes the lease, makes one of the same name for another execution, and releases it after so many hours. */
  z.strictObject({ ...Deed, other: z.literal('take-lease'), hours: z.number().positive().max(8_784).default(1) }),
  /** Deletes the entry of this principal, without one every entry. */
  z.strictObject({ ...Deed, other: z.literal('delete-access-entry'), principal: Principal }),
  /** Deletes the entry and makes one for the same principal, with a group and a tag of another principal. */
  z.strictObject({ ...Deed, other: z.literal('replace-access-entry'), principal: Principal }),
  /** PutParameter of SSM: a parameter of type String, in place of the one that is there. */
  z.strictObject({ ...Deed, other: z.literal('put-parameter'), name: z.string().min(1), value: z.string().min(1) }),
  z.strictObject({ ...Deed, other: z.literal('delete-parameter'), name: z.string().min(1) }),
  /** PutMetricAlarm or PutCompositeAlarm, and SetAlarmState of CloudWatch. */
  z.strictObject({
    ...Deed,
    other: z.literal('set-alarm'),
    name: z.string().min(1).max(255),
    state: z.enum(STATE_VALUES),
    reason: z.string().max(1023).default('set by another'),
    composite: z.literal(true).optional(),
  }),
] as const;

/** Every kind of fault by the member that only it has. */
export const KINDS = {
  on: z.strictObject({
    ...When,
    on: z.strictObject({
      service: z.string().min(1),
      operation: z.string().min(1),
      function: z.string().min(1).optional(),
    }),
    error: z
      .string()
      .regex(/^[A-Z][A-Za-z0-9.]*$/, 'must be an error code')
      .optional(),
    lostReply: z.literal(true).optional(),
    /** Seconds that an invocation of a function takes longer than usual: it is carried out, and its answer is late. */
    late: z.number().positive().max(YEAR_SECONDS).optional(),
    times: Times,
  }),
  node: z.strictObject({
    ...When,
    node: z.union([z.string().min(1), z.int().min(0)], {
      error: 'must be an id, a name, an index, "any" or "all"',
    }),
    cluster: z.string().min(1).optional(),
    fault: z.string(),
    for: z.number().positive().max(YEAR_SECONDS).optional(),
    times: HowOften.optional(),
    mode: z.enum(['ipvs', 'iptables', 'nftables']).optional(),
    /** Name of a document without the stack's prefix. */
    document: z.string().min(1).optional(),
    how: z.enum(['cut', 'garbled']).optional(),
  }),
  join: z.strictObject({
    ...When,
    join: z.strictObject({
      os: Os,
      count: z.int().min(1).max(1_000),
      cluster: z.string().min(1).optional(),
      ssm: z.enum(['online', 'none']).default('online'),
      missingModules: z.array(Module).default([]),
    }),
  }),
  addonUpdate: z.strictObject({
    ...When,
    addonUpdate: z.enum(['Failed', 'Cancelled', 'Degraded']),
    code: z.string().min(1).optional(),
    applied: z.boolean().optional(),
    times: Times,
  }),
  execution: z.strictObject({ ...When, execution: z.enum(['abort', 'duplicate']) }),
  kubernetes: z.strictObject({
    ...When,
    kubernetes: z.enum(['unreachable', 'forbidden', 'conflict']),
    times: Times,
  }),
  clock: z.strictObject({ ...When, clock: z.literal('skip'), hours: z.number().positive().max(8_784) }),
  other: z.discriminatedUnion('other', OTHERS, {
    error: `must be one of ${OTHERS.map(({ shape }) => shape.other.value).join(', ')}`,
  }),
  outage: z.strictObject({
    ...When,
    /** A service of AWS's, as `on.service` names it, or `kubernetes`. */
    outage: z.string().min(1),
    /** Of the whole service, or of this operation alone. */
    operation: z.string().min(1).optional(),
    /** Seconds; without it for ever. */
    for: z.number().positive().max(YEAR_SECONDS).optional(),
  }),
  events: z.strictObject({
    ...When,
    events: z.enum(['twice', 'out-of-order', 'lost']),
    status: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']).optional(),
    times: Times,
  }),
} as const;

export type Kind = keyof typeof KINDS;
type Parsed = { [Name in Kind]: { kind: Name } & z.infer<(typeof KINDS)[Name]> };

export type CallFault = Parsed['on'];
export type NodeFault = Omit<Parsed['node'], 'fault'> & { fault: NodeFaultName; module: string };
export type JoinFault = Parsed['join'];
export type AddonFault = Parsed['addonUpdate'];
export type KubernetesFault = Parsed['kubernetes'];
export type EventFault = Parsed['events'];
export type OtherFault = Parsed['other'];
export type OutageFault = Parsed['outage'];
/** One entry of a list of faults, checked, with its defaults. */
export type Fault =
  | CallFault
  | NodeFault
  | JoinFault
  | AddonFault
  | Parsed['execution']
  | KubernetesFault
  | Parsed['clock']
  | OtherFault
  | OutageFault
  | EventFault;
