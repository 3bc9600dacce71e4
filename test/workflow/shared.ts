import { afterAll } from 'vitest';
import { Person } from './person.ts';
import { Workflow } from './run.ts';
import { Schedules } from './schedules.ts';
import { worldOf } from './worlds.ts';

/** A sandbox for all tests of a file, to be awaited where the file begins. `template`: what is deployed in it. */
export async function startedWorkflow(
  world: Record<string, unknown> = worldOf({}),
  template?: unknown,
): Promise<Workflow> {
  const workflow = await Workflow.start(world, 'model', { template });
  afterAll(() => workflow.stop());
  return workflow;
}

/** The same, with functions that are called and schedules that are seen while time stands still. */
export async function startedSchedules(): Promise<Schedules> {
  const schedules = await Schedules.start();
  afterAll(() => schedules.stop());
  return schedules;
}

/** Someone at a terminal, for all tests of a file. */
export function personAt(workflow: Workflow): Person {
  const person = new Person(workflow);
  afterAll(() => person.leave());
  return person;
}
