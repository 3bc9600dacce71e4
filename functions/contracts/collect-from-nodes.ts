import * as z from 'zod/mini';
import { ModeWithOptions } from '../core/modes/index.ts';
import { ClusterWithServices, Common, EvidenceNeed, Instant, Phase, Poll, Step, Stored } from './shared/input.ts';
import { Carried } from './shared/output.ts';

export const Input = z.object({
  ...Common,
  step: Step,
  phase: Phase,
  cluster: ClusterWithServices,
  dispatch: Stored,
  deadline: Instant,
  poll: Poll,
  proxying: ModeWithOptions,
  /** Names of the checks whose findings the request accepts. */
  acknowledge: z._default(z.array(z.string()), []),
  /** Whether a node with leftovers of the other mode fails its validation. */
  strict: z._default(z.boolean(), false),
  /**
   * Whether the state machine takes a fresh inventory and repeats the phase if the only failure is that nodes gave no
   * answer.
   */
  mayAskAgain: z._default(z.boolean(), false),
  /**
   * Nodes that failed are reported and do not fail the step: they are asked only so that the record shows their mode.
   */
  survey: z.exactOptional(z.boolean()),
  evidence: EvidenceNeed,
});
export type Input = z.output<typeof Input>;

export const Output = z.object({
  pending: z.number(),
  passed: z.number(),
  failed: z.number(),
  done: z.boolean(),
  waitSeconds: z.number(),
  /** Nodes whose verdict names leftovers of the other mode. */
  leftovers: z.number(),
  evidence: z.nullable(Carried),
});
export type Output = z.output<typeof Output>;
