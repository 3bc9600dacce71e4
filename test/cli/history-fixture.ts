import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { HistoryEvent } from '@aws-sdk/client-sfn';

export const EXECUTION = {
  arn: 'arn:aws:states:us-east-1:111122223333:execution:migrate-cluster:demo-20261120T220000000Z',
  name: 'demo-20261120T220000000Z',
  region: 'us-east-1',
  account: '111122223333',
  stateMachine: 'migrate-cluster',
};

export const REQUEST = {
  cluster: 'demo',
  target: { mode: 'ipvs', scheduler: 'rr' },
  window: 'weekend',
  requestedBy: 'arn:aws:iam::111122223333:user/anna',
};

/** Writes events as Step Functions records them: ids from 1, each naming the one before. */
export class Recorder {
  readonly events: HistoryEvent[] = [];
  #now: number;

  constructor(start: string) {
    this.#now = Date.parse(start);
  }

  pass(seconds: number): this {
    this.#now += seconds * 1000;
    return this;
  }

  start(input: unknown): this {
    return this.#add({ type: 'ExecutionStarted', executionStartedEventDetails: { input: JSON.stringify(input) } });
  }

  /** A function's task that took `seconds` and answered `payload`. */
  task(name: string, payload: unknown, seconds = 1): this {
    return this.#task(name, seconds, () =>
      this.#add({
        type: 'TaskSucceeded',
        taskSucceededEventDetails: {
          resourceType: 'lambda',
          resource: 'invoke',
          output: JSON.stringify({ ExecutedVersion: '$LATEST', Payload: payload, StatusCode: 200 }),
        },
      }),
    );
  }

  /** A task of an AWS SDK integration. */
  call(name: string, answer: unknown, seconds = 1): this {
    return this.#task(name, seconds, () =>
      this.#add({
        type: 'TaskSucceeded',
        taskSucceededEventDetails: { resourceType: 'aws-sdk:eks', resource: name, output: JSON.stringify(answer) },
      }),
    );
  }

  /** A call that EventBridge Scheduler answered, or that failed with `error`. */
  schedule(name: string, parameters: unknown, error?: string): this {
    const call = { resourceType: 'aws-sdk:scheduler', resource: 'updateSchedule' };
    this.#add({ type: 'TaskStateEntered', stateEnteredEventDetails: { name, input: '{}' } });
    this.#add({
      type: 'TaskScheduled',
      taskScheduledEventDetails: { ...call, region: 'us-east-1', parameters: JSON.stringify(parameters) },
    });
    this.#add({ type: 'TaskStarted' }).pass(1);
    if (error !== undefined) return this.#add({ type: 'TaskFailed', taskFailedEventDetails: { ...call, error } });
    this.#add({ type: 'TaskSucceeded', taskSucceededEventDetails: { ...call, output: '{}' } });
    return this.#add({ type: 'TaskStateExited', stateExitedEventDetails: { name, output: '{}' } });
  }

  /** A state that starts another execution and waits for it. */
  startExecution(name: string, arn: string): this {
    const call = { resourceType: 'states', resource: 'startExecution.sync:2' };
    this.#add({ type: 'TaskStateEntered', stateEnteredEventDetails: { name, input: '{}' } });
    this.#add({ type: 'TaskScheduled' }).#add({ type: 'TaskStarted' });
    const output = JSON.stringify({ ExecutionArn: arn });
    return this.#add({ type: 'TaskSubmitted', taskSubmittedEventDetails: { ...call, output } });
  }

  /** A function's task that threw. */
  fail(name: string, error: string, message: string): this {
    return this.#task(name, 1, () =>
      this.#add({
        type: 'TaskFailed',
        taskFailedEventDetails: {
          resourceType: 'lambda',
          resource: 'invoke',
          error,
          cause: JSON.stringify({ errorType: error, errorMessage: message, trace: [`${error}: ${message}`] }),
        },
      }),
    );
  }

  /** A function's task whose first attempts threw, and whose last one answered or threw. */
  retried(
    name: string,
    attempts: number,
    [error, message]: [string, string],
    last: { payload: unknown } | 'failed',
  ): this {
    const details = { resourceType: 'lambda', resource: 'invoke' };
    const cause = JSON.stringify({ errorType: error, errorMessage: message });
    const failed = () => this.#add({ type: 'TaskFailed', taskFailedEventDetails: { ...details, error, cause } });
    this.#add({ type: 'TaskStateEntered', stateEnteredEventDetails: { name, input: '{}' } });
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      this.#add({ type: 'TaskScheduled' }).#add({ type: 'TaskStarted' }).pass(5);
      failed();
    }
    this.#add({ type: 'TaskScheduled' }).#add({ type: 'TaskStarted' }).pass(5);
    if (last === 'failed') failed();
    else {
      const output = JSON.stringify({ Payload: last.payload });
      this.#add({ type: 'TaskSucceeded', taskSucceededEventDetails: { ...details, output } });
    }
    return this.#add({ type: 'TaskStateExited', stateExitedEventDetails: { name, output: '{}' } });
  }

  wait(name: string, seconds: number): this {
    this.#add({ type: 'WaitStateEntered', stateEnteredEventDetails: { name, input: '{}' } });
    this.pass(seconds);
    return this.#add({ type: 'WaitStateExited', stateExitedEventDetails: { name, output: '{}' } });
  }

  choose(name: string): this {
    this.#add({ type: 'ChoiceStateEntered', stateEnteredEventDetails: { name, input: '{}' } });
    return this.#add({ type: 'ChoiceStateExited', stateExitedEventDetails: { name, output: '{}' } });
  }

  succeed(output: unknown): this {
    return this.#add({
      type: 'ExecutionSucceeded',
      executionSucceededEventDetails: { output: JSON.stringify(output) },
    });
  }

  end(type: 'ExecutionFailed' | 'ExecutionAborted' | 'ExecutionTimedOut', error?: string, cause?: string): this {
    const details = { ...(error === undefined ? {} : { error }), ...(cause === undefined ? {} : { cause }) };
    const key = { ExecutionFailed: 'Failed', ExecutionAborted: 'Aborted', ExecutionTimedOut: 'TimedOut' }[type];
    return this.#add({ type, [`execution${key}EventDetails`]: details });
  }

  #task(name: string, seconds: number, answer: () => void): this {
    this.#add({ type: 'TaskStateEntered', stateEnteredEventDetails: { name, input: '{}' } });
    this.#add({ type: 'TaskScheduled' });
    this.#add({ type: 'TaskStarted' });
    this.pass(seconds);
    answer();
    return this.#add({ type: 'TaskStateExited', stateExitedEventDetails: { name, output: '{}' } });
  }

  #add(event: Omit<HistoryEvent, 'id' | 'timestamp' | 'previousEventId'>): this {
    const id = this.events.length + 1;
    this.events.push({ ...event, id, previousEventId: id - 1, timestamp: new Date(this.#now) });
    return this;
  }
}

/** An object as it lies in the evidence bucket, and what the history says of it. */
export function stored(step: string, file: string, lines: unknown[]): { reference: Stored; bytes: Buffer } {
  const bytes = gzipSync(lines.map((line) => JSON.stringify(line)).join('\n'));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { reference: { key: `executions/${EXECUTION.name}/${step}/${file}`, sha256, bytes: bytes.length }, bytes };
}

interface Stored {
  key: string;
  sha256: string;
  bytes: number;
}

export const VERDICTS = [
  {
    node: 'i-0a1',
    name: 'ip-192-168-1-10.ec2.internal',
    pass: true,
    reasons: [],
    facts: { proxyMode: 'ipvs', virtualServers: 2405, source: 'ipvsadm' },
    excerpt: 'TCP  10.100.0.1:443 rr\n  -> 192.168.1.10:443             Masq    1      0          0',
  },
  {
    node: 'i-0b2',
    name: 'ip-192-168-1-11.ec2.internal',
    pass: false,
    reasons: ['kube-proxy runs in iptables mode, not ipvs.'],
    facts: { proxyMode: 'iptables', virtualServers: 0, source: 'ipvsadm' },
    excerpt: 'IP Virtual Server version 1.2.1 (size=4096)\u001b[2J',
  },
];

const LOOK = {
  request: REQUEST,
  plan: {
    kind: 'migrate',
    reasons: ['kube-proxy runs iptables.'],
    strategy: 'kubernetes-api',
    way: 'addon',
    checks: [
      {
        name: 'version',
        verdict: 'PASS',
        why: 'kube-proxy of Kubernetes 1.34 has ipvs mode',
        fix: '',
        accepted: false,
      },
      { name: 'idle-timeout', verdict: 'WARN', why: 'idle for 900 s', fix: 'Set TCP keepalive.', accepted: true },
    ],
    configuration: '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}',
  },
  cluster: {
    name: 'demo',
    arn: 'arn:aws:eks:us-east-1:111122223333:cluster/demo',
    version: '1.34',
    serviceCidr: '10.100.0.0/16',
    apiServer: '10.100.0.1',
    dns: '10.100.0.10',
  },
  addon: { version: 'v1.34.1-eksbuild.2', configuration: null },
  estimateSeconds: 120,
};

/**
 * A migration that waited nine hours and was proven by `verdicts`; `ending` decides how it ends. `guard`: what was raised
 * after the proof; undefined for a cluster without guards.
 */
export function migration(verdicts: unknown[], ending: 'migrated' | 'failed', guard?: object) {
  const inventory = stored('inspect-2', 'inventory.ndjson.gz', [{ id: 'i-0a1' }, { id: 'i-0b2' }]);
  const evidence = stored('validate-2-1', 'evidence.ndjson.gz', verdicts);
  const outcome = stored('.', 'outcome.json.gz', [{ ending }]);
  const counts = { total: 2, ssm: 2, proxyMode: 0, excluded: 0, blocked: 0 };
  const look = { ...LOOK, inventory: { ...inventory.reference, counts } };
  const error = { name: 'ValidationFailed', cause: '1 of 2 nodes did not prove ipvs rr.' };
  const record = new Recorder('2026-11-20T22:00:00Z').start(REQUEST).task('InspectCluster', look, 3);
  record
    .choose('ChoosePlan')
    .task('DecideWindow', { kind: 'closed', opensAt: '2026-11-21T07:00:00.000Z', reason: 'weekend is closed' })
    .choose('ChooseWindow')
    .wait('AwaitWindow', 32_396)
    .task('InspectCluster', look, 3)
    .task('DecideWindow', { kind: 'open', closesAt: '2026-11-21T11:00:00.000Z', reason: 'weekend is open' })
    .task('PrepareNodes', { dispatch: { key: 'x' }, commands: 1, nodes: 2, deadline: '2026-11-21T07:30:00.000Z' })
    .wait('AwaitPreparation', 20)
    .task('CollectPreparation', { pending: 0, passed: 2, failed: 0, done: true, evidence: null })
    .task('CheckWindowBeforeChange', { kind: 'open', closesAt: '2026-11-21T11:00:00.000Z', reason: 'enough time' })
    .task('UpdateAddon', { updateId: '4f1b2c' })
    .wait('AwaitAddon', 15)
    .call('CheckAddon', { Update: { Id: '4f1b2c', Status: 'Successful' } })
    .task('RestartDaemonSet', { generation: 2 })
    .wait('AwaitRollout', 10)
    .task('CheckRollout', { done: true, desired: 2, updated: 2, available: 2 })
    .task('InspectForValidation', look)
    .task('ValidateNodes', { dispatch: { key: 'x' }, commands: 1, nodes: 2, deadline: '2026-11-21T07:40:00.000Z' })
    .wait('AwaitValidation', 10);
  const recorded = { outcome: outcome.reference, evidence: [evidence.reference] };
  if (ending === 'migrated') {
    const answer = { ending, ...recorded, ...(guard && { guard }) };
    record.task('CollectValidation', { pending: 0, passed: 2, failed: 0, done: true, evidence: evidence.reference });
    if (guard) record.task('CheckGuards', { kind: 'raised', guard });
    record.task('RecordOutcome', answer).succeed(answer);
  } else {
    record
      .fail('CollectValidation', error.name, error.cause)
      .task('RecordOutcome', { ending, error, ...recorded })
      .end('ExecutionFailed', error.name, error.cause);
  }
  return { events: record.events, objects: [inventory, evidence, outcome] };
}
