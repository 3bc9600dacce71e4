import { settleLimited } from '../aws/clients.ts';
import { type Ec2, ec2 } from '../aws/ec2.ts';
import { type Eks, eks } from '../aws/eks.ts';
import { type ObjectStore, objectStore } from '../aws/s3.ts';
import { type Ssm, ssm } from '../aws/ssm.ts';
import { type StepFunctions, stepFunctions } from '../aws/step-functions.ts';
import { Input, type Output } from '../contracts/open-stage.ts';
import { RolloutRunning } from '../core/errors.ts';
import { enrolmentOf } from '../core/fleet/enrolment.ts';
import {
  batchOf,
  type ClusterRecord,
  isProven,
  itemsKey,
  migrationName,
  type RolloutItem,
  rolloutOf,
} from '../core/fleet/rollout.ts';
import type { Settings } from '../core/fleet/settings.ts';
import { bySize, parseRollout, type RolloutInput, type Stage, stageOf, toleratedOf } from '../core/fleet/stages.ts';
import { guardsOf } from '../core/guards/alarms.ts';
import { holdInForce, holdParameter, holdText } from '../core/guards/holds.ts';
import { environment } from '../runtime/environment.ts';
import { type Log, type Run, wrap } from '../runtime/wrap.ts';
import { failTogether } from './shared/fail-together.ts';
import {
  findRollout,
  findStage,
  readClusters,
  readManifests,
  writeCluster,
  writeItems,
  writeMembers,
  writeRollout,
} from './shared/rollout-store.ts';

export interface Deps {
  eks: Pick<Eks, 'clusters' | 'tags'>;
  ec2: Pick<Ec2, 'nodesByCluster'>;
  ssm: Pick<Ssm, 'parameters'>;
  store: ObjectStore;
  stepFunctions: Pick<StepFunctions, 'running'>;
  settings: () => Settings;
  fleetStateMachineArn: () => string;
}

/** The most clusters that are looked at at the same time. */
const AT_ONCE = 10;

/**
 * Opens a stage of a rollout: finds its clusters, leaves out those that the rollout has proven already, and stores the
 * list of the others in the order in which they are migrated.
 * Throws InvalidRequest for an input that breaks a rule, RolloutRunning while another rollout runs, SweepIncomplete if
 * some clusters could not be read, EvidenceMissing for a manifest that does not exist.
 */
export function openStage(deps: Deps): Run<Input, Output> {
  return async (input, log) => {
    const fleet = parseRollout(input.fleet);
    const rollout = rolloutOf(fleet, input.execution);
    if (input.index === 0) await refuseSecond(deps, input);
    const attempt = await attemptOf(deps, input, fleet, rollout);
    const stage = fleet.stages[input.index];
    if (stage === undefined) return { kind: 'finished', rollout, attempt };
    const output = await open(deps, { input, fleet, rollout, attempt, stage }, log);
    const { kind } = output;
    log.decision(`stage.${kind}`, {
      rollout,
      stage: stage.name,
      ...('todo' in output && { clusters: output.clusters, todo: output.todo }),
    });
    return output;
  };
}

/** Two rollouts at the same time could each open a stage. Of two that begin together, the one with the lower name goes on. */
async function refuseSecond(deps: Deps, { execution }: Input): Promise<void> {
  const running = await deps.stepFunctions.running(deps.fleetStateMachineArn());
  const own = running.find(({ arn }) => arn === execution.arn);
  const earlier = running.find(
    ({ arn, name, startedAt }) =>
      arn !== execution.arn &&
      (own === undefined || startedAt < own.startedAt || (startedAt === own.startedAt && name < execution.name)),
  );
  if (earlier) throw new RolloutRunning(`The execution ${earlier.name} of migrate-fleet is running.`);
}

/** How often the rollout was begun: each execution that resumes it adds one, and no other does. */
async function attemptOf(
  { store }: Deps,
  { execution, now }: Input,
  fleet: RolloutInput,
  rollout: string,
): Promise<number> {
  const record = await findRollout(store, rollout);
  if (record?.execution === execution.arn) return record.attempt;
  const attempt = (record?.attempt ?? 1) + (record !== null && fleet.resume ? 1 : 0);
  const { rollout: _, resume: __, requestedBy = null, ...stages } = fleet;
  const times = { execution: execution.arn, startedAt: record?.startedAt ?? now.toISOString() };
  await writeRollout(store, { rollout, attempt, fleet: stages, requestedBy, ...times });
  return attempt;
}

interface Opening {
  input: Input;
  fleet: RolloutInput;
  rollout: string;
  attempt: number;
  stage: Stage;
}

async function open(deps: Deps, { input, fleet, rollout, attempt, stage }: Opening, log: Log): Promise<Output> {
  const { store } = deps;
  const ref = { rollout, stage: stage.name };
  const about = { rollout, attempt, stage: stage.name };
  const batch = batchOf(ref, attempt);
  const hold = holdInForce(await deps.ssm.parameters([holdParameter({ kind: 'batch', batch })]), input.now);
  if (hold !== null) return { ...about, kind: 'held', reason: holdText(hold) };
  const { items: members, refused } = await membersOf(deps, { input, fleet, stage, rollout, batch }, log);
  if (members.length + refused.length === 0) return { ...about, kind: 'held', reason: nobodyIn(stage) };
  const proven = new Set((await readClusters(store, ref)).filter(isProven).map(({ cluster }) => cluster));
  const todo = members.filter(({ cluster }) => !proven.has(cluster));
  const isDone = todo.length === 0 && refused.length === 0;
  if (isDone && (await findStage(store, ref))?.status === 'proven') return { ...about, kind: 'done' };
  for (const { cluster, reason } of refused) await writeCluster(store, ref, refusal(cluster, reason, input.now));
  const items = itemsKey(ref, input.execution, 'migrate');
  await writeItems(store, items, todo);
  await writeMembers(store, ref, input.execution, { items: members, refused: refused.map(({ cluster }) => cluster) });
  return {
    ...about,
    kind: 'open',
    clusters: members.length + refused.length,
    nodes: members.reduce((sum, { nodes }) => sum + nodes, 0),
    todo: todo.length,
    items,
    atOnce: stage.atOnce,
    tolerate: toleratedOf(stage, members.length + refused.length),
    soakSeconds: Math.round(stage.soakHours * 3600),
    approval: stage.approval,
    approvalSeconds: fleet.approvalHours * 3600,
    fourEyes: fleet.fourEyes,
    requestedBy: fleet.requestedBy ?? null,
  };
}

/** A stage without clusters proves nothing, so the stages behind it do not begin: its selection may be misspelt. */
const nobodyIn = ({ name }: Stage) =>
  `Stage ${name} selects no enrolled cluster: correct its selection, tag its clusters, or take the stage out.`;

const refusal = (cluster: string, reason: string, now: Date): ClusterRecord => ({
  cluster,
  step: 'migrate',
  ending: 'refused',
  execution: null,
  nodes: 0,
  error: { name: 'InvalidRequest', cause: reason },
  at: now.toISOString(),
});

interface Found {
  /** Smallest first, with the request for each. */
  items: RolloutItem[];
  /** Clusters whose tags break a rule. */
  refused: { cluster: string; reason: string }[];
}

/** The enrolled clusters of a stage. */
async function membersOf(
  deps: Deps,
  { input, fleet, stage, rollout, batch }: Omit<Opening, 'attempt'> & { batch: string },
  log: Log,
): Promise<Found> {
  const manifests = await readManifests(deps.store, fleet.stages);
  const settings = deps.settings();
  const looked = await settleLimited(await deps.eks.clusters(), AT_ONCE, async (cluster) => {
    const tags = await deps.eks.tags(cluster);
    const isMember = tags !== null && stageOf({ name: cluster, tags }, fleet.stages, manifests) === stage.name;
    return isMember
      ? [
          {
            cluster,
            enrolment: enrolmentOf(tags, settings),
            guards: guardsOf(settings.guards, tags, input.execution.arn),
          },
        ]
      : [];
  });
  failTogether(looked.failed, (name) => name, log);
  const found = looked.done.flat().filter(({ enrolment }) => enrolment.kind !== 'not-enrolled');
  const nodes = found.length === 0 ? new Map<string, number>() : await deps.ec2.nodesByCluster();
  const common = {
    acknowledge: settings.acknowledge,
    requestedBy: `rollout ${rollout}`,
    stage: stage.name,
    batch: { name: batch, tolerate: toleratedOf(stage, found.length) },
    AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: input.execution.arn,
  };
  const members: Found = { items: [], refused: [] };
  for (const { cluster, enrolment, guards } of found) {
    if (enrolment.kind === 'refused') members.refused.push({ cluster, reason: enrolment.reason });
    else if (guards.kind === 'broken') members.refused.push({ cluster, reason: guards.sentence });
    if (enrolment.kind !== 'enrolled' || guards.kind === 'broken') continue;
    const { target, window } = enrolment;
    members.items.push({
      cluster,
      nodes: nodes.get(cluster) ?? 0,
      name: migrationName(cluster, input.execution, 'migrate'),
      request: { cluster, target, window, ...common },
      alarms: guards.data.alarms,
    });
  }
  return { ...members, items: bySize(members.items) };
}

export const handler = wrap(
  Input,
  openStage({
    eks,
    ec2,
    ssm,
    store: objectStore(environment.evidenceBucket),
    stepFunctions,
    settings: environment.settings,
    fleetStateMachineArn: environment.fleetStateMachineArn,
  }),
);
