import * as z from 'zod/mini';
import { Guards } from '../core/guards/alarms.ts';
import { ClusterName, Common } from './shared/input.ts';
import { RaisedGuard } from './shared/output.ts';

export const Input = z.object({ ...Common, cluster: z.extend(ClusterName, { guards: Guards }) });
export type Input = z.output<typeof Input>;

export const Output = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('quiet') }),
  z.object({ kind: z.literal('raised'), guard: RaisedGuard }),
]);
export type Output = z.output<typeof Output>;
