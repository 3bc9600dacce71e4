import * as z from 'zod/mini';
import { ModeWithOptions } from '../core/modes/index.ts';
import { ClusterName, Common, Step } from './shared/input.ts';

export const Input = z.object({
  ...Common,
  step: Step,
  cluster: ClusterName,
  way: z._default(z.enum(['addon', 'create-addon']), 'addon'),
  /** Whether the change is undone. */
  back: z._default(z.boolean(), false),
  /**
   * With the way `addon`: the add-on that the inspection found, which must be unchanged. With `create-addon`: the
   * version to create; null lets EKS choose it.
   */
  addon: z.nullable(
    z.object({
      version: z.string().check(z.minLength(1)),
      configuration: z._default(z.nullable(z.string()), null),
    }),
  ),
  /** The values to send; in a rollback the exact former ones. */
  configuration: z.nullable(z.string()),
  /** In a rollback: the values that the migration was to send. */
  sent: z._default(z.nullable(z.string()), null),
  /** In a rollback: the version of the add-on that the migration was to create; null if EKS chose it. */
  created: z._default(z.nullable(z.string()), null),
  /** In a rollback: what kube-proxy ran before. */
  proxying: z._default(z.nullable(ModeWithOptions), null),
  /** How often Step Functions has tried this step before: an earlier try may have arrived, and its answer be lost. */
  retries: z._default(z.number(), 0),
});
export type Input = z.output<typeof Input>;

/** `until` is what the state machine has to wait for; only an update has an `updateId`. */
export const Output = z.object({
  updateId: z.nullable(z.string()),
  until: z.enum(['update-ended', 'addon-active', 'addon-gone']),
});
export type Output = z.output<typeof Output>;
