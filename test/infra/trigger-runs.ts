import { resourcesOf, type Template } from '../../infra/template.ts';
import { addonCall, addonEvent, created, recordedCall, running } from '../functions/handlers/events.ts';
import { Person } from '../workflow/person.ts';
import { abort, failing, update } from '../workflow/scenarios.ts';
import { ENROLLED, NOW, type Schedules, tagged } from '../workflow/schedules.ts';
import { CLUSTER, REQUEST } from '../workflow/worlds.ts';
import { BATCHED } from './migration-runs.ts';
import {
  buried,
  EARLY,
  endings,
  enrolled,
  migration,
  notEnrolled,
  ON_IPVS,
  ROLLBACK,
  type Run,
  UNHEARD,
} from './runs.ts';

/** A daily sweep whose function somebody deleted. */
const LOST = 'nightshift-lost';

/** The template with that sweep beside the others, with the same role. */
export function withLostSweep(template: Template): Template {
  const [sweep] = resourcesOf(template, 'AWS::Scheduler::Schedule').map(([, resource]) => resource);
  if (!sweep) throw new Error('the template has no schedule');
  const Arn = `arn:aws:lambda:us-east-1:111122223333:function:${LOST}`;
  const Target = { ...Object(sweep.Properties['Target']), Arn };
  const LostSweep = { ...sweep, Properties: { ...sweep.Properties, Name: LOST, Target } };
  return { ...template, Resources: { ...template.Resources, LostSweep } };
}

/** Fires the sweeps as EventBridge Scheduler does. */
const dailySweeps: Run = async (region) => {
  await region.still(enrolled(ON_IPVS), async () => {
    for (const name of ['nightshift-schedule-migrations', 'nightshift-sweep-executions', LOST])
      await region.workflow.post('schedules', { group: 'nightshift-sweeps', name });
  });
  return buried(region);
};

/** Runs the executions that an event starts through the rules. */
const heard =
  (cluster: object, eventsIn: (region: Schedules) => unknown): Run =>
  async (region) => {
    await region.still(enrolled(cluster), () => region.workflow.post('events', eventsIn(region)));
    return endings(region);
  };

const nodeOf = ({ workflow: { sandbox } }: Schedules) => sandbox.live.region.clusters.get('demo')?.nodes[0]?.id ?? '';

const CREATING = {
  status: 'CREATING',
  activeAfter: 600,
  nodeGroups: [],
  addon: { ...CLUSTER.addon, status: 'CREATING', activeAfter: 660 },
};

/** Every start by the cluster's schedule is refused for as long as EventBridge Scheduler retries. */
const unstartable: Run = async (region) => {
  await region.still(enrolled(), async () => {
    await region.workflow.post('faults', [failing('states', 'StartExecution', 'AccessDeniedException', 'every')]);
    await region.workflow.post('events', tagged('demo'));
  });
  return buried(region);
};

/** A cluster's schedule is made, moved to another window, and deleted because of an unknown window. */
const schedule =
  (handler: string, event: unknown): Run =>
  (region) =>
    region.still(enrolled(), async () => {
      const planned: string[][] = [];
      for (const window of ['weekend', 'frozen', 'nowhere']) {
        const cluster = region.workflow.sandbox.live.region.clusters.get('demo');
        if (cluster) cluster.tags = { ...ENROLLED, 'nightshift:window': window };
        await region.invoke(handler, event);
        planned.push(await region.planned());
      }
      return planned;
    });

/** The event of an ending, with an input that was too large for it. */
const aborted = (machine: string, name: string) => ({
  source: 'aws.states',
  'detail-type': 'Step Functions Execution Status Change',
  detail: {
    executionArn: `arn:aws:states:us-east-1:111122223333:execution:nightshift-${machine}-cluster:${name}`,
    stateMachineArn: `arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-${machine}-cluster`,
    name,
    status: 'ABORTED',
    input: null,
  },
});

const withoutInput: Run = async (region) => {
  await region.workflow.migrate(notEnrolled(), REQUEST, [...EARLY.slice(0, 2), UNHEARD]);
  await region.rest();
  await region.workflow.post('events', aborted('migrate', 'test'));
  await region.rest();
  await region.workflow.post('events', aborted('rollback', 'recover-test'));
  return endings(region);
};

/** Each sweep finds the execution that the previous one started, until a person is paged. */
const sweeps: Run = async (region) => {
  await region.workflow.migrate(notEnrolled(), REQUEST, [...EARLY, UNHEARD]);
  for (const _ of EARLY) {
    await region.rest();
    await region.workflow.sandbox.live.region.clock.busy(() =>
      region.invoke('sweep-executions', { kind: 'sweep', now: '2026-11-22T03:00:00Z' }),
    );
  }
  return endings(region);
};

/** A bus that takes no event while the execution runs. */
const DEAF = { at: 'RecordOutcome', ...failing('events', 'PutEvents', 'AccessDeniedException', 4) };

const FAILED = update('Failed', { applied: true });

const sweptRecord: Run = async (region) => {
  await region.workflow.migrate(notEnrolled(), REQUEST, [DEAF, UNHEARD]);
  await region.rest();
  return region.workflow.sandbox.live.region.clock.busy(() =>
    region.invoke('sweep-executions', { kind: 'sweep', now: '2026-11-22T03:00:00Z' }),
  );
};

/** The sweep counts a migration that was cut off in its batch. */
const sweptBatch: Run = async (region) => {
  await region.workflow.migrate(notEnrolled(), { ...REQUEST, ...BATCHED.request }, [abort('AwaitRollout'), UNHEARD]);
  await region.rest();
  await region.workflow.sandbox.live.region.clock.busy(() =>
    region.invoke('sweep-executions', { kind: 'sweep', now: '2026-11-22T03:00:00Z' }),
  );
  return endings(region);
};

const sweptRollback: Run = async (region) => {
  await region.workflow.migrate(notEnrolled(), REQUEST, [FAILED, { ...DEAF, ...ROLLBACK }, UNHEARD]);
  await region.rest();
  return region.workflow.sandbox.live.region.clock.busy(() =>
    region.invoke('sweep-executions', { kind: 'sweep', now: '2026-11-22T03:00:00Z' }),
  );
};

/** A person's rollback is cut off: its recovery looks for the record of the rollback, not of the migration. */
const byHand: Run = async (region) => {
  await region.workflow.migrate(notEnrolled(), REQUEST, []);
  await region.rest();
  await region.workflow.post('faults', [
    abort('RestartDaemonSet', ROLLBACK),
    // The recovery reads both histories, because the bucket does not answer.
    { at: 'StopOwner', ...ROLLBACK, ...failing('s3', 'GetObject', 'AccessDenied', 2) },
  ]);
  const person = new Person(region.workflow);
  const arn = 'arn:aws:states:us-east-1:111122223333:execution:nightshift-migrate-cluster:test';
  const input = { mode: 'rollback', cluster: 'demo', execution: { name: 'test', arn }, reason: 'why', attempt: 1 };
  await person.run('rollback-cluster', 'by-hand', JSON.stringify(input));
  person.leave();
  return endings(region);
};

/** For each function an event that its rule matches and that the function cannot read. */
const MALFORMED = [
  recordedCall('CreateCluster', { name: '' }),
  recordedCall('TagResource', { resourceArn: 'arn:aws:eks:us-east-1:111122223333:cluster/demo' }, { eventID: '' }),
  { source: 'aws.eks', 'detail-type': 'EKS Addon Update Succeeded', detail: {} },
  { source: 'aws.ec2', 'detail-type': 'EC2 Instance State-change Notification', detail: { state: 'running' } },
  aborted('migrate', ''),
];

const malformed: Run = async (region) => {
  await region.still(enrolled(), async () => {
    await region.workflow.post('events', MALFORMED);
    for (const handler of ['schedule-migrations', 'sweep-executions'])
      await region.invokeLater(handler, { kind: 'unknown' });
  });
  return buried(region);
};

/** Runs that start by themselves: together they make every call of the functions that events and schedules invoke. */
export const TRIGGERS: Record<string, Run> = {
  'a new cluster': heard(CREATING, () => created()),
  'a node that joins': heard(ON_IPVS, (region) => running(nodeOf(region), '2026-11-20T22:01:00Z')),
  'a tag': heard({}, () => tagged('demo')),
  'a schedule that starts nothing': unstartable,
  'an event of EKS': heard({}, () => addonEvent('Update Succeeded')),
  'schedules by drift': schedule(
    'on-addon-changed',
    addonCall('UpdateAddon', { configurationValues: '{"mode":"iptables"}' }),
  ),
  'schedules by tags': schedule('on-cluster-tagged', tagged('demo')),
  'schedules by the sweep': schedule('schedule-migrations', { kind: 'sweep', now: NOW }),
  'an execution that nobody can finish': migration(EARLY),
  'ending events without an input': withoutInput,
  'sweeps of endings': sweeps,
  'a batch that the sweep holds': sweptBatch,
  'a missing record': migration([DEAF]),
  "a rollback's missing record": migration([FAILED, { ...DEAF, ...ROLLBACK }]),
  "a rollback's missing record that the sweep writes": sweptRollback,
  'a missing record that the sweep writes': sweptRecord,
  "a person's rollback that is cut off": byHand,
  'malformed events': malformed,
  'the daily sweeps': dailySweeps,
};
