import * as z from 'zod';
import { handlerOf, readDefinition } from './definitions.ts';

/** The phases of each state machine, in the order in which people follow them. A name that both have means the same. */
export const PHASES = {
  'migrate-cluster': [
    { name: 'inspect', label: 'Inspect' },
    { name: 'window', label: 'Window' },
    { name: 'prepare', label: 'Prepare' },
    { name: 'change', label: 'Update add-on' },
    { name: 'canary', label: 'Canary' },
    { name: 'restart', label: 'Restart' },
    { name: 'validate', label: 'Validate' },
    { name: 'rollback', label: 'Roll back' },
    { name: 'record', label: 'Record' },
  ],
  'rollback-cluster': [
    { name: 'former', label: 'Former state' },
    { name: 'standing', label: 'As it stands' },
    { name: 'restore', label: 'Restore' },
    { name: 'restart', label: 'Restart' },
    { name: 'clean', label: 'Clean' },
    { name: 'proof', label: 'Prove' },
    { name: 'again', label: 'Try again' },
    { name: 'survey', label: 'Ask the nodes' },
    { name: 'record', label: 'Record' },
  ],
} as const;

/** The state machines that people follow. */
export type Machine = keyof typeof PHASES;
export type PhaseName = (typeof PHASES)[Machine][number]['name'];

/** By the name of a deployed state machine, with whatever prefix a deployment gives it. */
export function machineOf(stateMachine: string): Machine {
  return stateMachine.endsWith('rollback-cluster') ? 'rollback-cluster' : 'migrate-cluster';
}

const LABELS: ReadonlyMap<string, string> = new Map(
  Object.values(PHASES).flatMap((phases) => phases.map(({ name, label }): [string, string] => [name, label])),
);

/** What people read for a phase. */
export function labelOf(phase: PhaseName): string {
  return LABELS.get(phase) ?? phase;
}

/** Where a phase stands among those of its state machine, from 0. */
export function orderOf(phase: PhaseName, machine: Machine): number {
  return PHASES[machine].findIndex(({ name }) => name === phase);
}

/** The Comment of a state, taken apart. */
export interface Comment {
  phase: string | null;
  words: string | null;
  why: string;
}

/**
 * Reads `phase | words | why`, `phase | why` or `why`: the phase that the state belongs to, what a person who follows an
 * execution reads when the state is entered, and why the state is there. ASL has no other field for them.
 */
export function readComment(comment: string): Comment {
  const [first = '', second, ...rest] = comment.split(' | ');
  if (second === undefined) return { phase: null, words: null, why: first };
  if (rest.length === 0) return { phase: first, words: null, why: second };
  return { phase: first, words: second, why: rest.join(' | ') };
}

/** What a state says of itself to those who follow an execution. */
export interface FollowedState {
  phase: PhaseName | null;
  words: string | null;
  /** What a Task calls: a handler (`inspect-cluster`) or an operation (`eks:describeUpdate`). Null for other states. */
  calls: string | null;
  /** What a function is called with, as far as it is a literal: a phase, a direction. */
  payload: Readonly<Record<string, unknown>>;
  /** Errors with which the workflow goes on as with an answer, and the words for them: the Comment of their Catch. */
  answers: ReadonlyMap<string, string>;
}

const State = z.object({
  Comment: z.string().default(''),
  Resource: z.string().optional(),
  Arguments: z.unknown().optional(),
  Catch: z.array(z.object({ ErrorEquals: z.array(z.string()), Comment: z.string().optional() })).default([]),
});
const Definition = z.object({ States: z.record(z.string(), State) });
const Invocation = z.object({ FunctionName: z.string(), Payload: z.record(z.string(), z.unknown()) });

const UNKNOWN: FollowedState = { phase: null, words: null, calls: null, payload: {}, answers: new Map() };
const read = new Map<Machine, ReadonlyMap<string, FollowedState>>();

/** What a state says of itself; nothing for a state that the definition does not have, as older executions may. */
export function followedState(state: string, machine: Machine): FollowedState {
  const known = read.get(machine) ?? readStates(machine);
  read.set(machine, known);
  return known.get(state) ?? UNKNOWN;
}

function readStates(machine: Machine): ReadonlyMap<string, FollowedState> {
  const { States } = Definition.parse(JSON.parse(readDefinition(machine)));
  return new Map(Object.entries(States).map(([name, state]) => [name, follow(state, machine)]));
}

function follow({ Comment, Resource, Arguments, Catch }: z.infer<typeof State>, machine: Machine): FollowedState {
  const { phase, words } = readComment(Comment);
  const invoked = Invocation.safeParse(Arguments).data;
  return {
    phase: PHASES[machine].find(({ name }) => name === phase)?.name ?? null,
    words,
    calls: (invoked && handlerOf(invoked.FunctionName)) ?? Resource?.replace(/^.*:::(aws-sdk:)?/, '') ?? null,
    payload: invoked?.Payload ?? {},
    answers: new Map(
      Catch.flatMap(({ ErrorEquals, Comment: words }) =>
        words === undefined ? [] : ErrorEquals.map((error): [string, string] => [error, words]),
      ),
    ),
  };
}
