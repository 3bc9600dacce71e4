import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { NOTHING, Scene, task } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.open();
});
beforeEach(() => scene.load());
afterEach(() => expect(scene.bugs).toEqual([]));
afterAll(() => scene.stop());

const lease = {
  Name: 'lease',
  ScheduleExpression: 'at(2030-01-01T00:00:00)',
  FlexibleTimeWindow: { Mode: 'OFF' },
  Target: {
    Arn: 'arn:aws:scheduler:::aws-sdk:sfn:startExecution',
    RoleArn: 'arn:aws:iam::111122223333:role/nightshift-scheduler',
    Input: '{}',
  },
  State: 'DISABLED',
} as const;
const createSchedule = { service: 'scheduler', operation: 'CreateSchedule' };

describe('a lost reply', () => {
  test('over HTTP cuts the connection after the work was done', async () => {
    await scene.arm({ on: createSchedule, lostReply: true });
    await expect(scene.scheduler.createSchedule(lease)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await scene.scheduler.getSchedule({ Name: 'lease' })).State).toBe('DISABLED');
    expect(scene.calls.map(({ operation, error, lostReply }) => [operation, error, lostReply])).toEqual([
      ['CreateSchedule', undefined, true],
      ['GetSchedule', undefined, undefined],
    ]);
  });

  test('leaves a call alone that failed of itself, and strikes the next one that is done', async () => {
    await scene.scheduler.createSchedule(lease);
    await scene.arm({ on: createSchedule, lostReply: true });
    await expect(scene.scheduler.createSchedule(lease)).rejects.toMatchObject({ name: 'ConflictException' });
    await expect(scene.scheduler.createSchedule({ ...lease, Name: 'other' })).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
  });

  test('is a SdkClientException of the service to Step Functions’ SDK integrations', async () => {
    const machine = await scene.machine('leasing', { Lease: task('aws-sdk:scheduler:createSchedule', lease) });
    await scene.arm({ at: 'Lease', on: createSchedule, lostReply: true });
    const { status, error, cause } = await scene.run(machine);
    expect({ status, error }).toEqual({ status: 'FAILED', error: 'Scheduler.SdkClientException' });
    expect(cause).toContain('Connection reset');
    expect((await scene.scheduler.getSchedule({ Name: 'lease' })).Name).toBe('lease');
  });

  test('of StartExecution is a SdkClientException too, and the other execution runs', async () => {
    const other = await scene.machine('other', { Nothing: NOTHING });
    const start = task('states:startExecution', { StateMachineArn: other, Name: 'child' });
    const machine = await scene.machine('starting', { Start: start });
    await scene.arm({ at: 'Start', on: { service: 'states', operation: 'StartExecution' }, lostReply: true });
    expect((await scene.run(machine)).error).toBe('StepFunctions.SdkClientException');
    expect((await scene.sfn.listExecutions({ stateMachineArn: other })).executions).toMatchObject([{ name: 'child' }]);
  });

  test('of a Kubernetes patch cuts the connection, and the patch is there', async () => {
    await scene.arm({ on: { service: 'kubernetes', operation: 'create configmaps' }, lostReply: true });
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'note' }, data: { key: 'value' } };
    const api = scene.kubernetes();
    await expect(api.createNamespacedConfigMap({ namespace: 'default', body })).rejects.toThrow('fetch failed');
    expect((await api.readNamespacedConfigMap({ namespace: 'default', name: 'note' })).data).toEqual({ key: 'value' });
    const [create] = scene.calls;
    expect(create).toMatchObject({ operation: 'create configmaps', lostReply: true });
    expect(create?.error).toBeUndefined();
  });
});

describe('Invoke of a function', () => {
  const invoke = { service: 'lambda', operation: 'Invoke', function: 'nightshift-decide-window' };
  const states = {
    Other: task('lambda:invoke', { FunctionName: 'nightshift-record-outcome', Payload: {} }),
    Decide: task('lambda:invoke', { FunctionName: 'nightshift-decide-window', Payload: {} }),
  };
  const passing = { ...states.Other, Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Decide' }] };

  test('is throttled by name, and the others are not', async () => {
    const machine = await scene.machine('deciding', { Other: passing, Decide: states.Decide });
    await scene.arm({ on: invoke, error: 'TooManyRequestsException' });
    expect((await scene.run(machine)).error).toBe('Lambda.TooManyRequestsException');
  });

  test('whose answer is lost is a SdkClientException to Step Functions', async () => {
    const machine = await scene.machine('deciding', { Other: passing, Decide: states.Decide });
    await scene.arm({ on: invoke, lostReply: true });
    expect((await scene.run(machine)).error).toBe('Lambda.SdkClientException');
    // The next one is answered: what is wrong with its empty input.
    expect((await scene.run(machine, 'second')).error).toBe('InvalidRequest');
  });

  test('whose answer is late has timed out to Step Functions, though the function ran', async () => {
    const Decide = { ...states.Decide, TimeoutSeconds: 60 };
    const machine = await scene.machine('deciding', { Decide });
    await scene.arm({ on: invoke, late: 61 });
    expect((await scene.run(machine)).error).toBe('States.Timeout');
    await scene.arm({ on: invoke, late: 30 });
    expect((await scene.run(machine, 'second')).error).toBe('InvalidRequest');
  });

  test('is told by its name over HTTP as well', async () => {
    await scene.arm({ on: invoke, error: 'ServiceException' });
    const named = (FunctionName: string) => scene.lambda.invoke({ FunctionName, Payload: '{}' });
    expect((await named('nightshift-record-outcome')).StatusCode).toBe(200);
    await expect(named('nightshift-decide-window')).rejects.toMatchObject({ name: 'ServiceException' });
  });
});

describe('a Kubernetes API', () => {
  const read = () => scene.kubernetes().listNamespacedPod({ namespace: 'kube-system' });

  test('is unreachable as often as it says', async () => {
    await scene.arm({ kubernetes: 'unreachable', times: 2 });
    await expect(read()).rejects.toThrow('fetch failed');
    await expect(read()).rejects.toThrow('fetch failed');
    expect((await read()).items).toHaveLength(3);
  });

  test('forbids', async () => {
    await scene.arm({ kubernetes: 'forbidden' });
    await expect(read()).rejects.toMatchObject({ code: 403 });
  });

  test('has a conflict for the next write, not for reads', async () => {
    await scene.arm({ kubernetes: 'conflict' });
    const api = scene.kubernetes();
    const place = { namespace: 'kube-system', name: 'kube-proxy-config' };
    const body = await api.readNamespacedConfigMap(place);
    await expect(api.replaceNamespacedConfigMap({ ...place, body })).rejects.toMatchObject({ code: 409 });
    await api.replaceNamespacedConfigMap({ ...place, body });
  });
});

describe('the next add-on update', () => {
  const addon = { clusterName: 'demo', addonName: 'kube-proxy' };
  const values = { ...addon, configurationValues: '{"mode":"ipvs"}', resolveConflicts: 'OVERWRITE' } as const;
  const updated = async () => {
    const { update } = await scene.eks.updateAddon(values);
    await scene.idle();
    const [cluster] = (await scene.state()).clusters;
    const described = await scene.eks.describeUpdate({ name: 'demo', addonName: 'kube-proxy', updateId: update?.id });
    const health = (await scene.eks.describeAddon(addon)).addon;
    return {
      update: described.update?.status,
      errors: described.update?.errors?.map(({ errorCode }) => errorCode),
      addon: health?.status,
      issues: health?.health?.issues?.map(({ code }) => code),
      configMap: cluster?.configMap.mode,
    };
  };

  test.each([
    [
      { addonUpdate: 'Failed', code: 'AccessDenied' },
      { update: 'Failed', errors: ['AccessDenied'], addon: 'UPDATE_FAILED', issues: [], configMap: 'iptables' },
    ],
    [
      { addonUpdate: 'Failed', code: 'AccessDenied', applied: true },
      { update: 'Failed', errors: ['AccessDenied'], addon: 'UPDATE_FAILED', issues: [], configMap: 'ipvs' },
    ],
    [
      { addonUpdate: 'Cancelled' },
      { update: 'Cancelled', errors: [], addon: 'ACTIVE', issues: [], configMap: 'iptables' },
    ],
    [
      { addonUpdate: 'Degraded', code: 'InsufficientNumberOfReplicas' },
      {
        update: 'Successful',
        errors: [],
        addon: 'DEGRADED',
        issues: ['InsufficientNumberOfReplicas'],
        configMap: 'ipvs',
      },
    ],
  ])('ends as %j says, and the one after it as usual', async (fault, seen) => {
    await scene.arm(fault);
    expect(await updated()).toEqual(seen);
    expect(await updated()).toEqual({
      update: 'Successful',
      errors: [],
      addon: 'ACTIVE',
      issues: [],
      configMap: 'ipvs',
    });
  });
});
