import { describe, expect, test } from 'vitest';
import { check, evidenceReferences } from '../../../cli/story/evidence.ts';
import { readHistory } from '../../../cli/story/history.ts';
import { renderShortStory, renderStory } from '../../../cli/story/render-story.ts';
import { buildStory } from '../../../cli/story/story.ts';
import { EXECUTION, migration, REQUEST, Recorder, VERDICTS } from '../history-fixture.ts';

const PLAIN = { bold: same, dim: same, good: same, bad: same };
const PASSED = VERDICTS.filter((verdict) => verdict.pass);

function same(text: string): string {
  return text;
}

function tell(recorded: ReturnType<typeof migration>) {
  const steps = readHistory(recorded.events);
  const bytes = new Map(recorded.objects.map((object) => [object.reference.key, object.bytes]));
  const evidence = evidenceReferences(steps).map((reference) => {
    const found = bytes.get(reference.key);
    return found
      ? check(reference, found)
      : { ...reference, state: 'absent' as const, reason: 'not in s3://nightshift-evidence' };
  });
  return buildStory({ execution: EXECUTION, steps, related: [], missing: [], evidence });
}

describe('the story of an execution', () => {
  test("shows the add-on's configuration before and after", () => {
    expect(tell(migration(PASSED, 'migrated')).change).toEqual({
      way: 'addon',
      configMap: null,
      addonVersion: 'v1.34.1-eksbuild.2',
      from: null,
      to: '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}',
      updateId: '4f1b2c',
    });
  });

  test('has the phases in their order, including the second inspection after the wait', () => {
    const { phases } = tell(migration(PASSED, 'migrated'));
    expect(phases.map(({ phase, seconds }) => [phase, seconds])).toEqual([
      ['inspect', 3],
      ['window', 32_397],
      ['inspect', 3],
      ['window', 1],
      ['prepare', 23],
      ['change', 17],
      ['restart', 12],
      ['validate', 13],
      ['record', 1],
    ]);
  });

  test('shows that it waited nine hours for the window, and until when', () => {
    const text = renderStory(tell(migration(PASSED, 'migrated')), PLAIN);
    expect(text).toContain('2026-11-20 22:00:03Z  Window         took 8 h 59 min');
    expect(text).toContain('closed: weekend is closed; waits until 2026-11-21 07:00:00Z');
  });

  test('shows which alarm was raised after the proof, and the hold, where it happened and at the end', () => {
    const reason = 'every node has proven the target, but the alarm a is in ALARM (12 errors); nightshift put the hold';
    const guard = { reason, alarms: [{ name: 'a', state: 'ALARM', reason: '12 errors' }], hold: 'put' };
    const story = tell(migration(PASSED, 'migrated', guard));
    expect(story.guard).toEqual(guard);
    const shown = renderStory(story, PLAIN)
      .split('\n')
      .filter((line) => line.includes(reason));
    expect(shown.map((line) => line.trim())).toEqual([reason, `Guard      ${reason}`]);
    expect(tell(migration(PASSED, 'migrated')).guard).toBeNull();
  });

  test('of a success ends with its ending', () => {
    const text = renderStory(tell(migration(PASSED, 'migrated')), PLAIN);
    expect(text.split('\n').at(-1)).toBe('Ending     migrated');
  });

  test('shows why a node failed and what it printed, with control characters made visible', () => {
    const text = renderStory(tell(migration(VERDICTS, 'failed')), PLAIN);
    expect(text).toContain('kube-proxy runs in iptables mode, not ipvs.');
    expect(text).toContain('  | IP Virtual Server version 1.2.1 (size=4096)�[2J');
    expect(text).not.toContain('\u001b');
  });

  test('lists failed nodes first and counts the passed nodes that it leaves out', () => {
    const [sample] = PASSED;
    const many = Array.from({ length: 500 }, (_, index) => ({ ...sample, node: `i-${index}` }));
    const text = renderStory(tell(migration(many, 'migrated')), PLAIN);
    expect(text).toContain('500 verdicts: 500 pass, 0 fail');
    expect(text).toContain('… and 480 verdicts more that passed');
  });

  test('verifies every object by its SHA-256', () => {
    const { evidence, alarms } = tell(migration(PASSED, 'migrated'));
    expect(evidence.map(({ key, state }) => [key, state])).toEqual([
      ['executions/demo-20261120T220000000Z/inspect-2/inventory.ndjson.gz', 'verified'],
      ['executions/demo-20261120T220000000Z/validate-2-1/evidence.ndjson.gz', 'verified'],
      ['executions/demo-20261120T220000000Z/./outcome.json.gz', 'verified'],
    ]);
    expect(alarms).toEqual([]);
  });

  test('raises an alarm about evidence that was changed, and shows nothing of its content', () => {
    const recorded = migration(PASSED, 'migrated');
    const objects = recorded.objects.map((object) =>
      object.reference.key.includes('/evidence.') ? { ...object, bytes: Buffer.from('forged') } : object,
    );
    const story = tell({ ...recorded, objects });
    expect(story.nodes).toEqual([]);
    expect(story.alarms).toHaveLength(1);
    expect(story.alarms[0]).toContain('validate-2-1/evidence.ndjson.gz is not what was recorded');
    expect(renderStory(story, PLAIN).split('\n')[0]).toContain('EVIDENCE DOES NOT MATCH');
    expect(renderShortStory(story, PLAIN).split('\n')[0]).toContain('EVIDENCE DOES NOT MATCH');
  });

  test('lists what is absent', () => {
    const recorded = migration(PASSED, 'migrated');
    const story = tell({ ...recorded, objects: [] });
    expect(story.absent).toEqual([
      'no verdict on what a node runs is in the evidence',
      'executions/demo-20261120T220000000Z/inspect-2/inventory.ndjson.gz: not in s3://nightshift-evidence',
      'executions/demo-20261120T220000000Z/validate-2-1/evidence.ndjson.gz: not in s3://nightshift-evidence',
      'executions/demo-20261120T220000000Z/./outcome.json.gz: not in s3://nightshift-evidence',
    ]);
  });

  test('of an execution that failed at its first inspection claims no change', () => {
    const record = new Recorder('2026-11-20T22:00:00Z')
      .start({ cluster: 'nowhere', target: { mode: 'ipvs', scheduler: 'rr' } })
      .fail('InspectCluster', 'UnknownCluster', 'There is no cluster nowhere in us-east-1.')
      .end('ExecutionFailed', 'UnknownCluster', 'There is no cluster nowhere in us-east-1.');
    const story = tell({ events: record.events, objects: [] });
    expect(story.change).toBeNull();
    expect(story.absent).toEqual([
      'the input does not say who asked',
      'no inspection of the cluster ended: what it ran before is not known',
      'kube-proxy was not restarted',
      'no verdict on what a node runs is in the evidence',
      'no outcome was recorded',
    ]);
    expect(story.ending).toEqual({
      kind: 'failed',
      error: { name: 'UnknownCluster', cause: 'There is no cluster nowhere in us-east-1.' },
    });
  });

  test('of an execution with an invalid input reports that it is not a request', () => {
    const record = new Recorder('2026-11-20T22:00:00Z').start([1, 2]);
    const story = tell({ events: record.events, objects: [] });
    expect(story.request).toBeNull();
    expect(story.absent[0]).toBe('the input is not a migration request: who asked for what is not known');
  });

  const REFUSED: [string, string] = ['KubernetesForbidden', 'The API server refused nightshift (403). See `kubectl`.'];

  test('shows a retried attempt as retried, once, and without a next step for a person', () => {
    const record = new Recorder('2026-11-20T22:00:00Z')
      .start(REQUEST)
      .retried('InspectWorkloads', 2, REFUSED, { payload: {} })
      .retried('RestartDaemonSet', 1, ['Lambda.TooManyRequestsException', 'Rate Exceeded.'], { payload: {} });
    const story = tell({ events: record.events, objects: [] });
    expect(story.phases).toMatchObject([
      {
        phase: 'inspect',
        details: ['the access to Kubernetes is not in force yet: asks again (×2)'],
        retries: [{ state: 'InspectWorkloads', error: { name: 'KubernetesForbidden' }, times: 2 }],
        errors: [],
      },
      {
        phase: 'restart',
        details: ['Lambda.TooManyRequestsException: tries again', 'DaemonSet kube-proxy restarts'],
        errors: [],
      },
    ]);
    expect(renderStory(story, PLAIN)).not.toContain('kubectl');
  });

  test('shows the last attempt as the failure', () => {
    const record = new Recorder('2026-11-20T22:00:00Z')
      .start(REQUEST)
      .retried('InspectWorkloads', 3, REFUSED, 'failed')
      .end('ExecutionFailed', ...REFUSED);
    const story = tell({ events: record.events, objects: [] });
    expect(story.phases).toMatchObject([
      {
        details: ['the access to Kubernetes is not in force yet: asks again (×3)'],
        errors: [{ name: 'KubernetesForbidden', cause: REFUSED[1] }],
      },
    ]);
    const text = renderStory(story, PLAIN);
    expect(text).toContain('    KubernetesForbidden: The API server refused nightshift (403). See `kubectl`.');
    expect(text.split('\n').at(-1)).toBe(
      'Ending     failed: The API server refused nightshift (403). See `kubectl`. Error: KubernetesForbidden',
    );
  });

  test('of a running execution has no ending yet', () => {
    const record = new Recorder('2026-11-20T22:00:00Z').start(REQUEST);
    const story = tell({ events: record.events, objects: [] });
    expect(renderStory(story, PLAIN).split('\n').at(-1)).toBe('Ending     open: the execution is running');
  });

  test('of an execution that was cut off reports that its access to Kubernetes was not revoked', () => {
    const record = new Recorder('2026-11-20T22:00:00Z').start(REQUEST).call('GrantAccess', {}).end('ExecutionAborted');
    expect(tell({ events: record.events, objects: [] }).absent).toContain(
      'the access to Kubernetes was not revoked: delete the access entry',
    );
  });
});
