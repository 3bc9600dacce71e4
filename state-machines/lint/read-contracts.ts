import * as z from 'zod/mini';
import { SavedFormer } from '../../functions/core/execution/former.ts';
import { RollbackInput } from '../../functions/core/execution/recovery.ts';
import type { JsonSchema } from './shapes.ts';

/** What a function takes and what it answers. */
export interface Contract {
  readonly input: JsonSchema;
  readonly output: JsonSchema;
}

/** What the data of a state machine must satisfy. */
export interface Contracts {
  /** By the name of the function's handler. */
  readonly functions: ReadonlyMap<string, Contract>;
  /** What executions are started with, by the name of their state machine. */
  readonly executions: ReadonlyMap<string, JsonSchema>;
  /** What is stored, by the last part of its key. */
  readonly objects: ReadonlyMap<string, JsonSchema>;
}

/**
 * Reads the contracts of these functions.
 * @throws Error for a function whose file in `functions/contracts` does not have the schemas `Input` and `Output`
 */
export async function readContracts(handlers: readonly string[]): Promise<Contracts> {
  const functions = handlers.map(async (handler) => [handler, await readContract(handler)] as const);
  return {
    functions: new Map(await Promise.all(functions)),
    executions: new Map([['rollback-cluster', takenBy(RollbackInput)]]),
    objects: new Map([['former.json', takenBy(SavedFormer)]]),
  };
}

async function readContract(handler: string): Promise<Contract> {
  const module: unknown = await import(new URL(`../../functions/contracts/${handler}.ts`, import.meta.url).href);
  if (typeof module === 'object' && module !== null && 'Input' in module && 'Output' in module) {
    const { Input, Output } = module;
    if (Input instanceof z.core.$ZodType && Output instanceof z.core.$ZodType)
      return { input: takenBy(Input), output: z.toJSONSchema(Output, { io: 'output', unrepresentable: 'any' }) };
  }
  throw new Error(`functions/contracts/${handler}.ts has no schemas Input and Output`);
}

const takenBy = (schema: z.core.$ZodType) => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
