import * as z from 'zod/mini';
import { Guards } from '../core/guards/alarms.ts';
import { Common } from './shared/input.ts';

export const Input = z.object({
  ...Common,
  request: z.unknown(),
  /** What the window is asked about. The hold of a batch stops only what has not begun its change. */
  before: z.enum(['change', 'canary', 'restart']),
  /** Number of nodes that run kube-proxy, as Kubernetes lists them; null if Kubernetes was not asked. */
  nodes: z.nullable(z.number().check(z.int(), z.gte(0))),
  needSeconds: z.number().check(z.gte(0)),
  /** The alarms that guard the cluster; an execution from before there were guards has none. */
  guards: z.exactOptional(Guards),
});
export type Input = z.output<typeof Input>;

/** Times are ISO 8601 in UTC. */
export const Open = z.object({
  kind: z.literal('open'),
  closesAt: z.string(),
  lastStartAt: z.string(),
  reason: z.string(),
});
/** `onHold`, `guarded`: whether a hold or an alarm is the reason, and not the schedule alone. */
export const Closed = z.object({
  kind: z.literal('closed'),
  opensAt: z.string(),
  reason: z.string(),
  onHold: z.boolean(),
  guarded: z.boolean(),
});
export const Output = z.discriminatedUnion('kind', [Open, Closed]);
export type Output = z.output<typeof Output>;
