import * as z from 'zod/mini';
import { ClusterName, Sweep } from './shared/input.ts';
import { KeptSchedules } from './shared/output.ts';

export const Input = z.strictObject({ ...Sweep, cluster: z.exactOptional(ClusterName.shape.name) });
export type Input = z.output<typeof Input>;

export const Output = KeptSchedules;
export type Output = KeptSchedules;
