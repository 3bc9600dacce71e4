import * as z from 'zod/mini';
import { ClusterWithApi, Common, Instant, Poll, Step, Stored } from './shared/input.ts';
import { StoredObject } from './shared/output.ts';

const text = z.string().check(z.minLength(1));
const Canary = z.object({
  node: z.object({ id: text, name: text }),
  formerPod: z.object({ name: text, uid: text }),
});
export type Canary = z.output<typeof Canary>;
const Canaries = z.object({ step: Step, inventory: Stored, canaries: z.array(Canary).check(z.minLength(1)) });
export type Canaries = z.output<typeof Canaries>;

export const Input = z.object({
  ...Common,
  cluster: ClusterWithApi,
  /** For all nodes: the DaemonSet's generation since the restart. */
  generation: z._default(z.nullable(z.number().check(z.int(), z.gte(1))), null),
  /** For the canaries: the pods that were deleted there, and the inventory of these nodes. */
  canary: z._default(z.nullable(Canaries), null),
  deadline: Instant,
  poll: Poll,
});
export type Input = z.output<typeof Input>;

/** How many pods are desired, are new, and are new and available. */
export const Output = z.object({
  done: z.boolean(),
  desired: z.number(),
  updated: z.number(),
  available: z.number(),
  waitSeconds: z.number(),
  /** Once all canaries are done: the inventory to prove them by, with the present answers of their kube-proxies. */
  inventory: z.exactOptional(StoredObject),
});
export type Output = z.output<typeof Output>;
