import type { CommandIO } from '@smithy/types';

/** Who calls: the short name for the log, and the ARN that the services' replies carry. */
export interface Caller {
  readonly principal: string;
  readonly principalArn: string;
}

/** What runs one operation. Its input was checked against the service's schema, its output will be. */
export type Operation = (input: Record<string, unknown>, caller: Caller) => Promise<Record<string, unknown>>;
export type Operations = Readonly<Record<string, Operation>>;

type OperationName<Sdk> = keyof Sdk extends infer Key ? (Key extends `${infer Name}Command` ? Name : never) : never;

type CommandOf<Sdk, Name extends string> = `${Name}Command` extends keyof Sdk
  ? Sdk[`${Name}Command`] extends new (
      ...input: never[]
    ) => infer Command
    ? Command
    : never
  : never;

/** The SDK types required members as `T | undefined`; after the schema check they are there. */
export type Checked<T> = T extends Date | ((...parameters: never[]) => unknown)
  ? T
  : T extends Uint8Array
    ? Uint8Array
    : T extends readonly (infer Item)[]
      ? Checked<Item>[]
      : T extends object
        ? { [Key in keyof T]: Key extends 'Body' | 'Payload' ? Uint8Array | undefined : CheckedMember<T, Key> }
        : T;
type CheckedMember<T, Key extends keyof T> =
  object extends Pick<T, Key> ? Checked<T[Key]> : Checked<Exclude<T[Key], undefined>>;

/** Bodies and payloads are plain bytes on this side of the wire, not the SDK's streams. */
type Reply<T> = {
  [Key in keyof T as Exclude<Key, '$metadata'>]: Key extends 'Body' | 'Payload' ? Uint8Array | undefined : T[Key];
};

type HandlerOf<Command> =
  Command extends CommandIO<infer Input, infer Output>
    ? (input: Checked<Input>, caller: Caller) => Reply<Output> | Promise<Reply<Output>>
    : never;

/** Handlers by operation name, in the types of an SDK client module (`Handlers<typeof import('@aws-sdk/client-eks')>`). */
export type Handlers<Sdk> = { readonly [Name in OperationName<Sdk>]?: HandlerOf<CommandOf<Sdk, Name>> };

/**
 * Makes a service's operations out of handlers that are written in the SDK's own types.
 *
 * The one cast of the service layer: a handler for its operation's own input becomes one for “some object”. The
 * dispatcher makes that true, for it checks every input against the schema of the same name from which the SDK's types
 * were generated, and every output afterwards.
 */
export function operations<Sdk>(handlers: Handlers<Sdk>): Operations {
  const made: Record<string, Operation> = {};
  for (const [name, handler] of Object.entries(handlers)) {
    const run = handler as (input: Record<string, unknown>, caller: Caller) => unknown;
    made[name] = async (input, caller) => Object(await run(input, caller));
  }
  return made;
}
