import * as z from 'zod/mini';
import { Started } from './shared/output.ts';

/** EventBridge's envelope, which core reads. */
export const Input = z.unknown();
export const Output = Started;
export type Output = Started;
