import * as z from 'zod/mini';
import { ModeWithOptions } from '../core/modes/index.ts';
import { ClusterWithServices, Common, EvidenceNeed, Only, Phase, Step, Stored } from './shared/input.ts';
import { Carried } from './shared/output.ts';

export const Input = z.object({
  ...Common,
  step: Step,
  phase: Phase,
  cluster: ClusterWithServices,
  inventory: Stored,
  proxying: ModeWithOptions,
  only: z._default(z.nullable(Only), null),
  evidence: EvidenceNeed,
});
export type Input = z.output<typeof Input>;

export const Output = z.object({
  dispatch: Carried,
  commands: z.number(),
  nodes: z.number(),
  deadline: z.string(),
  waitSeconds: z.number(),
});
export type Output = z.output<typeof Output>;
