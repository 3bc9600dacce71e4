import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { CaseRequest } from '../case.ts';
import { worldFile } from '../case.ts';
import type { Searcher, Stage } from '../run.ts';
import { asJson, type ExecutionSeen, isMigration, textOf } from '../seen.ts';
import { type FleetCase, fleetInput, GUARD_TAG, type Resume, ROLLOUT } from './case.ts';
import { type FleetSeen, HOLDS } from './seen.ts';

/** More executions than any drawn fleet leads to: eight clusters, each migrated and proven, three times, with recoveries. */
const CROWD = 250;

/** Runs a rollout and its resumptions until nothing moves any more. Throws SandboxAtFault. */
export async function runFleet(searcher: Searcher, of: FleetCase): Promise<FleetSeen> {
  const seen = await searcher.play({ world: worldFile(of.world), faults: of.faults }, (stage) => act(stage, of));
  const requests = seen.executions.filter(isMigration).map(requestOf);
  return { of, seen: { of: { world: of.world, requests, faults: of.faults }, ...seen } };
}

/** What a migration was asked for is what it was started with. */
const requestOf = ({ input, cluster }: ExecutionSeen): CaseRequest => ({ ...Object(input), cluster });

async function act(stage: Stage, of: FleetCase): Promise<void> {
  let arn = await start(stage, ROLLOUT, fleetInput(of));
  for (const [index, resume] of of.resumes.entries()) {
    await endOf(stage, resume, arn);
    if (resume.clears) await clear(stage, of);
    arn = await start(stage, `${ROLLOUT}-${index + 2}`, { ...fleetInput(of), rollout: ROLLOUT, resume: true });
  }
  await stage.atRest(CROWD);
  if (of.faults.some((fault) => 'on' in fault)) await stage.sweep(CROWD);
}

async function endOf({ sandbox, atRest }: Stage, { when }: Resume, arn: string): Promise<void> {
  if (when === 'rest') await atRest(CROWD);
  if (when === 'ended') await Promise.race([sandbox.live.stepFunctions.ended(arn), atRest(CROWD)]);
}

/** A drawn fault strikes at most twelve calls. */
const INSISTENCE = 20;

async function start({ sandbox, sfn }: Stage, name: string, input: object): Promise<string> {
  const stateMachineArn = sandbox.stateMachines['migrate-fleet'];
  const command = () => new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) });
  return sandbox.live.region.clock.busy(async () => {
    for (let tries = 1; ; tries += 1) {
      try {
        return (await sfn.send(command())).executionArn ?? '';
      } catch (error) {
        if (tries === INSISTENCE) throw error;
      }
    }
  });
}

/** A person releases every hold that is there, also those of the product, and every alarm is OK again. */
async function clear({ sandbox }: Stage, { world }: FleetCase): Promise<void> {
  const { region, faults } = sandbox.live;
  const cluster = world.clusters[0]?.name;
  const put = sandbox.calls.filter(({ operation }) => operation === 'PutParameter');
  const holds = new Set(put.map(({ input }) => textOf(asJson(input)['Name'])).filter((name) => name.startsWith(HOLDS)));
  const alarms = new Set(world.clusters.flatMap(({ tags }) => tags[GUARD_TAG]?.split(' ') ?? []));
  await region.clock.busy(() =>
    faults.add([
      ...[...holds].map((name) => ({ other: 'delete-parameter', cluster, name })),
      ...[...alarms].map((name) => ({ other: 'set-alarm', cluster, name, state: 'OK' })),
    ]),
  );
}
