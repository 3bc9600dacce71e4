import * as z from 'zod/mini';
import { InvalidRequest } from '../errors.ts';
import { isClusterName, parseEksArn } from '../values/cluster-name.ts';
import { parseInput } from '../values/parse-input.ts';

/** An event that EKS itself sends about an add-on: nobody's name is in it. */
export interface AddonEvent {
  /** The envelope's id. */
  eventId: string;
  /** `EKS Addon Update Succeeded` and the like. */
  what: string;
  cluster: string;
  /** null where the event names none. */
  addon: string | null;
}

/** An EC2 instance that began to run. */
export interface InstanceRunning {
  instanceId: string;
  /** When EC2 saw it. */
  at: Date;
}

const objectRule = 'must be a JSON object';
const textRule = 'must be a text that is not empty';
const text = z.string({ error: textRule }).check(z.minLength(1, textRule));
const ADDON_EVENT = /^EKS Addon /;

const Addon = z.object(
  {
    source: z.literal('aws.eks', { error: 'must be "aws.eks"' }),
    'detail-type': z
      .string({ error: 'must begin with "EKS Addon "' })
      .check(z.regex(ADDON_EVENT, 'must begin with "EKS Addon "')),
    id: text,
    resources: z._default(z.array(z.string({ error: textRule }), { error: 'must be a list of ARNs' }), []),
    detail: z.record(z.string(), z.unknown(), { error: objectRule }),
  },
  { error: objectRule },
);

/** True for an event of EKS's own about an add-on; a recorded API call is none. */
export function isAddonEvent(event: unknown): boolean {
  const type = typeof event === 'object' && event !== null ? Reflect.get(event, 'detail-type') : undefined;
  return typeof type === 'string' && ADDON_EVENT.test(type);
}

/**
 * Reads one of EKS's events about add-ons. AWS documents their names and not what is in them, so the cluster is looked
 * for where such events of EKS have it: among the ARNs, or as a member of the detail.
 * https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-eks.html
 * @throws InvalidRequest naming field and rule, also where no cluster is found
 */
export function parseAddonEvent(event: unknown): AddonEvent {
  const { id, resources, detail, 'detail-type': what } = parseInput(Addon, event, 'The event');
  const texts = [...resources, ...Object.values(detail).filter((value) => typeof value === 'string')];
  const arns = texts.flatMap((text) => parseEksArn(text) ?? []);
  const named = memberOf(detail, 'clusterName', 'cluster-name', 'cluster');
  const cluster = named !== null && isClusterName(named) ? named : arns[0]?.cluster;
  if (cluster === undefined)
    throw new InvalidRequest('detail.clusterName must name an EKS cluster, or resources must, but neither does.');
  const addon = memberOf(detail, 'addonName', 'addon-name', 'addon') ?? arns.find((arn) => arn.addon)?.addon;
  return { eventId: id, what, cluster, addon: addon ?? null };
}

function memberOf(detail: Record<string, unknown>, ...names: string[]): string | null {
  for (const name of names) {
    const value = Object.hasOwn(detail, name) ? detail[name] : undefined;
    if (typeof value === 'string' && value !== '' && !value.startsWith('arn:')) return value;
  }
  return null;
}

const momentRule = 'must be a moment such as 2026-11-21T07:00:00Z';
const Instance = z.object(
  {
    source: z.literal('aws.ec2', { error: 'must be "aws.ec2"' }),
    'detail-type': z.literal('EC2 Instance State-change Notification', {
      error: 'must be "EC2 Instance State-change Notification"',
    }),
    time: z.iso.datetime({ error: momentRule }),
    detail: z.object(
      {
        'instance-id': z
          .string({ error: "must be an instance's id" })
          .check(z.regex(/^i-[0-9a-f]{1,17}$/, "must be an instance's id")),
        state: z.literal('running', { error: 'must be "running"' }),
      },
      { error: objectRule },
    ),
  },
  { error: objectRule },
);

/**
 * Reads EC2's word that an instance runs.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html
 * @throws InvalidRequest naming field and rule
 */
export function parseInstanceRunning(event: unknown): InstanceRunning {
  const { time, detail } = parseInput(Instance, event, 'The event');
  return { instanceId: detail['instance-id'], at: new Date(time) };
}
