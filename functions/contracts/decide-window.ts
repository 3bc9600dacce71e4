import * as z from 'zod/mini';
import { Common } from './shared/input.ts';

export const Input = z.object({
  ...Common,
  request: z.unknown(),
  /** What the window is asked about. The hold of a batch stops only what has not begun its change. */
  before: z.enum(['change', 'canary', 'restart']),
  /** Number of nodes that run kube-proxy, as Kubernetes lists them; null if Kubernetes was not asked. */
  nodes: z.nullable(z.number().check(z.int(), z.gte(0))),
  needSeconds: z.number().check(z.gte(0)),
});
export type Input = z.output<typeof Input>;

/** Times are ISO 8601 in UTC. */
export const Open = z.object({
  kind: z.literal('open'),
  closesAt: z.string(),
  lastStartAt: z.string(),
  reason: z.string(),
});
/** `onHold`: whether a hold is among the reasons, and not the schedule alone. */
export const Closed = z.object({
  kind: z.literal('closed'),
  opensAt: z.string(),
  reason: z.string(),
  onHold: z.boolean(),
});
export const Output = z.discriminatedUnion('kind', [Open, Closed]);
export type Output = z.output<typeof Output>;
