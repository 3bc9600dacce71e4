import * as z from 'zod/mini';
import { ModeWithOptions } from '../core/modes/index.ts';
import { Way } from '../core/preflight/snapshot.ts';
import { ClusterWithApi, Common, Step } from './shared/input.ts';

const text = z.string().check(z.minLength(1));
export const Input = z.object({
  ...Common,
  step: Step,
  cluster: ClusterWithApi,
  /** The text that the inspection found, or in a rollback the exact former text. */
  configMap: z.nullable(text),
  /** What the text is to ask for. */
  proxying: ModeWithOptions,
  /**
   * In a rollback: what the change was to set, what the add-on's former values ask for, and who wrote the ConfigMap.
   */
  back: z._default(
    z.nullable(z.object({ target: ModeWithOptions, values: z._default(z.nullable(ModeWithOptions), null), way: Way })),
    null,
  ),
  /** How often Step Functions has tried this step before: an earlier try may have arrived, and its answer be lost. */
  retries: z._default(z.number(), 0),
});
export type Input = z.output<typeof Input>;

export const Output = z.object({ changed: z.boolean() });
export type Output = z.output<typeof Output>;
