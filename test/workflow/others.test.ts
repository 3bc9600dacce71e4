import { AssociateAccessPolicyCommand, CreateAccessEntryCommand, EKSClient } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { type Rested, writes } from './run.ts';
import { APPLIED, abort, crash, IN_MIGRATION, IN_ROLLBACK, skip, WINDOWS } from './scenarios.ts';
import { startedWorkflow } from './shared.ts';
import { REQUEST, UNLISTED, worldOf } from './worlds.ts';

const workflow = await startedWorkflow();

/** What another principal does when a state is entered. */
const other = (at: string, deed: string, more: object = {}) => ({ at, other: deed, ...more });
const changes = (at: string, configuration: string, more: object = {}) =>
  other(at, 'change-addon', { configuration, ...more });

const THEIRS = '{"resources":{"requests":{"cpu":"200m"}}}';
const run = (faults: object[], cluster: object = {}, request: object = {}) =>
  workflow.migrateAndRest(worldOf(cluster), { ...REQUEST, ...request }, faults);
const values = ({ cluster }: Rested): unknown => JSON.parse(cluster.addon?.configurationValues ?? 'null');
const modes = ({ cluster }: Rested) => [...new Set(cluster.nodes.map(({ runningMode }) => runningMode))];
const configuredMode = ({ cluster }: Rested) => cluster.configMap.mode;
const ours = ({ calls }: Rested, operation: string) =>
  calls.filter((call) => call.operation === operation && call.principal !== 'other' && call.error === undefined);
const ofOurs = ({ calls }: Pick<Rested, 'calls'>) =>
  calls.filter(({ principal }) => principal.startsWith('nightshift-'));
const published = ({ calls }: Rested) => JSON.stringify(calls.filter(({ operation }) => operation === 'PutEvents'));

describe('a change of the add-on by another principal between the inspection and the change', () => {
  it.each(['AwaitPreparation', 'CheckBeforeChange', 'SaveFormer', 'UpdateAddon'])(
    'in %s is seen: the cluster is looked at again, and every value survives',
    async (state) => {
      const rested = await run([changes(state, THEIRS)]);
      expect(rested.status).toBe('SUCCEEDED');
      expect(values(rested)).toEqual({ ...JSON.parse(THEIRS), mode: 'ipvs', ipvs: { scheduler: 'rr' } });
      expect(rested.path).toContain('AwaitLookAgain');
      expect(ours(rested, 'UpdateAddon')).toHaveLength(1);
    },
  );

  it('is what a rollback restores, not what the first inspection had found', async () => {
    const rested = await run([changes('SaveFormer', THEIRS), crash('RestartDaemonSet', 'ipvs')]);
    expect(rested.error).toBe('RolledBack');
    expect(rested.cluster.addon?.configurationValues).toBe(THEIRS);
    expect(modes(rested)).toEqual(['iptables']);
  });

  it('that never stops ends the migration by name, with nothing sent', async () => {
    const faults = [1, 2, 3, 4].map((visit) =>
      changes('SaveFormer', `{"resources":{"requests":{"cpu":"${visit}m"}}}`, { visit }),
    );
    const rested = await run(faults);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'ConfigurationChanged']);
    expect(ours(rested, 'UpdateAddon')).toEqual([]);
    expect(values(rested)).toEqual({ resources: { requests: { cpu: '4m' } } });
    expect(rested.cluster.accessEntries).toEqual([]);
    expect(rested.state.schedules).toEqual([]);
  });

  it.each(['AwaitPreparation', 'UpdateAddon'])('an upgrade in %s is kept: no version goes down', async (state) => {
    const rested = await run([other(state, 'upgrade-addon')], { addon: OLD });
    expect(rested.status).toBe('SUCCEEDED');
    expect(rested.cluster.addon?.version).not.toBe(OLD.version);
    expect(versionsSent(rested)).not.toContain(OLD.version);
  });

  it('an upgrade after the change survives the rollback', async () => {
    const rested = await run([other('AwaitCanary', 'upgrade-addon'), crash('RestartDaemonSet', 'ipvs')], {
      addon: OLD,
    });
    expect(rested.error).toBe('RolledBack');
    expect(rested.cluster.addon?.version).not.toBe(OLD.version);
  });

  it('a deletion is refused by name, and no add-on is created', async () => {
    const rested = await run([other('AwaitPreparation', 'delete-addon')]);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'PreflightRefused']);
    expect(rested.cluster.addon).toBeNull();
  });

  it('of the ConfigMap is not overwritten', async () => {
    const rested = await run([other('AwaitPreparation', 'edit-config-map', { fields: { 'conntrack.min': 4 } })]);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'PreflightRefused']);
    expect(rested.cause).toContain('conntrack.min');
    expect(ours(rested, 'UpdateAddon')).toEqual([]);
  });

  it('is seen without access to Kubernetes, too', async () => {
    const rested = await run([changes('UpdateAddon', THEIRS)], { endpoint: 'private' }, UNLISTED);
    expect(rested.status).toBe('SUCCEEDED');
    expect(values(rested)).toMatchObject({ ...JSON.parse(THEIRS), mode: 'ipvs' });
  });
});

const OLD = { version: 'v1.34.0-eksbuild.2', configuration: '{"resources":{"requests":{"cpu":"150m"}}}' };
const versionsSent = (rested: Rested) => ours(rested, 'UpdateAddon').map(({ input }) => Object(input).addonVersion);

describe('a rollback undoes nothing of other principals', () => {
  const failed = crash('RestartDaemonSet', 'ipvs');

  it('values that another principal set meanwhile stay, and only the mode is restored', async () => {
    const theirs = '{"mode":"ipvs","ipvs":{"scheduler":"rr"},"podLabels":{"team":"net"}}';
    const rested = await run([changes('AwaitCanary', theirs), failed]);
    expect(rested.error).toBe('RolledBack');
    expect(values(rested)).toEqual({ podLabels: { team: 'net' } });
    expect(modes(rested)).toEqual(['iptables']);
  });

  it('a mode that another principal set meanwhile stays, and a person is paged', async () => {
    const rested = await run([changes('AwaitCanary', '{"mode":"ipvs","ipvs":{"scheduler":"lc"}}'), failed]);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'RollbackFailed']);
    expect(published(rested)).toContain('another principal changed the add-on of demo, it asks for ipvs (lc)');
    expect(values(rested)).toEqual({ mode: 'ipvs', ipvs: { scheduler: 'lc' } });
  });

  it('an add-on that another principal deleted is not created again', async () => {
    const rested = await run([other('AwaitCanary', 'delete-addon'), failed]);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'RollbackFailed']);
    expect(rested.cluster.addon).toBeNull();
  });

  it('an abort before anything was sent leaves the values of another principal as they are', async () => {
    const rested = await run([changes('UpdateAddon', THEIRS), abort('UpdateAddon', IN_MIGRATION)]);
    expect(rested.status).toBe('ABORTED');
    expect(rested.cluster.addon?.configurationValues).toBe(THEIRS);
    expect(modes(rested)).toEqual(['iptables']);
  });

  it('an edit of the ConfigMap stays if the migration changed the ConfigMap', async () => {
    const edit = other('AwaitCanary', 'edit-config-map', { fields: { 'conntrack.min': 4 } });
    const rested = await run([edit, failed], { addon: null }, { selfManaged: 'config-map' });
    expect(rested.error, published(rested)).toBe('RolledBack');
    expect(rested.cluster.configMap.mode).toBe('iptables');
    expect(modes(rested)).toEqual(['iptables']);
  });

  it('an add-on that nightshift created and another principal upgraded stays, in the former mode', async () => {
    const upgrade = other('AwaitCanary', 'upgrade-addon');
    const rested = await run([upgrade, failed], { addon: null }, { selfManaged: 'create-addon' });
    expect(rested.error).toBe('RolledBack');
    expect(values(rested)).toMatchObject({ mode: 'iptables' });
    expect(modes(rested)).toEqual(['iptables']);
    expect(ours(rested, 'DeleteAddon')).toEqual([]);
  });

  it('an add-on that nightshift created and another principal changed stays, in the former mode', async () => {
    const theirs = '{"mode":"ipvs","ipvs":{"scheduler":"rr"},"podLabels":{"team":"net"}}';
    const rested = await run(
      [changes('AwaitCanary', theirs), failed],
      { addon: null },
      { selfManaged: 'create-addon' },
    );
    expect(rested.error).toBe('RolledBack');
    expect(values(rested)).toMatchObject({ mode: 'iptables', podLabels: { team: 'net' } });
    expect(modes(rested)).toEqual(['iptables']);
  });
});

describe('an answer is lost, and another principal makes a change before the retry', () => {
  const lost = (at: string, handler: string) => ({
    at,
    on: { service: 'lambda', operation: 'Invoke', function: `nightshift-${handler}` },
    lostReply: true,
    times: 1,
  });
  const ontop = '{"resources":{"requests":{"cpu":"200m"}},"mode":"ipvs","ipvs":{"scheduler":"rr"}}';
  const fast = { latencies: { addonUpdate: 0.1 } };
  const crashes = crash('RestartDaemonSet', 'ipvs', 2);

  it('of values: what was sent is undone, and their values stay', async () => {
    const faults = [lost('UpdateAddon', 'update-addon'), changes('UpdateAddon', ontop, { after: 0.5 }), crashes];
    const rested = await workflow.migrateAndRest(worldOf({}, fast), REQUEST, faults);
    expect(rested.error).toBe('RolledBack');
    expect(modes(rested)).toEqual(['iptables']);
    expect(values(rested)).toMatchObject({ resources: { requests: { cpu: '200m' } } });
    expect(configuredMode(rested)).toBe('iptables');
  });

  it('of the version: it stays, and the mode is restored', async () => {
    const faults = [
      lost('UpdateAddon', 'update-addon'),
      other('UpdateAddon', 'upgrade-addon', { after: 0.5 }),
      crashes,
    ];
    const addon = { version: 'v1.34.0-eksbuild.2', configuration: null };
    const rested = await workflow.migrateAndRest(worldOf({ addon }, fast), REQUEST, faults);
    expect(rested.error).toBe('RolledBack');
    expect(modes(rested)).toEqual(['iptables']);
    expect(rested.cluster.addon?.version).not.toBe('v1.34.0-eksbuild.2');
  });

  it('of the ConfigMap: the mode is restored, and their edit stays', async () => {
    const edit = other('EditConfigMap', 'edit-config-map', { fields: { 'conntrack.min': 131_073 }, after: 0.5 });
    const faults = [lost('EditConfigMap', 'edit-config-map'), edit, crashes];
    const request = { ...REQUEST, selfManaged: 'config-map' };
    const rested = await workflow.migrateAndRest(worldOf({ addon: null }), request, faults);
    expect(rested.error).toBe('RolledBack');
    expect([modes(rested), rested.cluster.configMap.mode]).toEqual([['iptables'], 'iptables']);
  });

  it('before an update that EKS fails: nothing is left of it', async () => {
    const faults = [lost('UpdateAddon', 'update-addon'), APPLIED];
    const rested = await workflow.migrateAndRest(worldOf({}, fast), REQUEST, faults);
    expect(rested.error).toBe('RolledBack');
    expect(modes(rested)).toEqual(['iptables']);
    expect(rested.cluster.addon?.status).toBe('ACTIVE');
  });

  it('while a node leaves SSM: no refusal hides what was sent', async () => {
    const offline = { at: 'AwaitLookAgain', node: 1, fault: 'agent-offline' };
    const faults = [lost('UpdateAddon', 'update-addon'), changes('UpdateAddon', ontop, { after: 0.5 }), offline];
    const rested = await workflow.migrateAndRest(worldOf({}, fast), REQUEST, faults);
    expect(rested.error).toBe('RolledBack');
    expect(configuredMode(rested)).toBe('iptables');
  });
});

describe("an edited ConfigMap that contradicts the add-on's values", () => {
  const ON_IPVS = '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}';
  const drifted = (configuration: string | null, configMapEdits: object) => ({
    addon: { version: 'v1.34.1-eksbuild.2', configuration },
    workloads: { configMapEdits },
  });
  const under = { iptables: drifted(ON_IPVS, { mode: 'iptables' }) };

  it('is migrated to the target', async () => {
    const rested = await run([], under.iptables);
    expect(rested.status).toBe('SUCCEEDED');
    expect(rested.cluster.configMap).toEqual({ mode: 'ipvs', scheduler: 'rr' });
    expect(modes(rested)).toEqual(['ipvs']);
  });

  it.each(['RestartCanary', 'RestartDaemonSet'])(
    'is restored when kube-proxy crashes at %s, and its mode is proven',
    async (state) => {
      const rested = await run([crash(state, 'ipvs', 'every')], under.iptables);
      expect([rested.status, rested.error], rested.cause).toEqual(['FAILED', 'RolledBack']);
      expect(rested.cluster.addon?.configurationValues).toBe(ON_IPVS);
      expect(rested.cluster.configMap).toEqual({ mode: 'iptables', scheduler: 'rr' });
      expect(modes(rested)).toEqual(['iptables']);
      expect(rested.cluster.accessEntries).toEqual([]);
      expect(rested.state.schedules).toEqual([]);
    },
  );

  it('is restored when the execution is aborted after the change', async () => {
    const rested = await run(
      [crash('RestartDaemonSet', 'ipvs', 'every'), abort('CheckRollout', IN_MIGRATION)],
      under.iptables,
    );
    expect(rested.said.at(-1)).toMatchObject({ event: 'nightshift.MigrationRolledBack' });
    expect(rested.cluster.addon?.configurationValues).toBe(ON_IPVS);
    expect(rested.cluster.configMap).toEqual({ mode: 'iptables', scheduler: 'rr' });
    expect(modes(rested)).toEqual(['iptables']);
  });

  it('is restored although the values asked for neither its mode nor the target', async () => {
    const cluster = drifted(null, { mode: 'ipvs', 'ipvs.scheduler': 'sh' });
    const rested = await run(
      [
        ...[0, 1, 2].map((node) => ({
          at: 'ValidateNodes',
          node,
          fault: 'output-garbage',
          document: 'validate-node',
          times: 2,
        })),
      ],
      cluster,
    );
    expect([rested.status, rested.error], rested.cause).toEqual(['FAILED', 'RolledBack']);
    expect(rested.cluster.addon?.configurationValues ?? '{}').toBe('{}');
    expect(rested.cluster.configMap).toEqual({ mode: 'ipvs', scheduler: 'sh' });
    expect(modes(rested)).toEqual(['ipvs']);
  });

  it('is restored with the edits whose loss was acknowledged', async () => {
    const cluster = { workloads: { configMapEdits: { 'conntrack.maxPerCore': 0 } } };
    const rested = await run([crash('RestartDaemonSet', 'ipvs')], cluster, { acknowledge: ['config-map-edits'] });
    expect(rested.error, rested.cause).toBe('RolledBack');
    const written = rested.calls.filter(({ operation }) => operation === 'update configmaps');
    expect(JSON.stringify(written.map(({ input }) => input))).toContain('maxPerCore: 0');
    expect(modes(rested)).toEqual(['iptables']);
  });

  it('is refused if its mode could not be proven after a rollback', async () => {
    const rested = await run([], drifted(ON_IPVS, { mode: 'userspace' }));
    expect([rested.status, rested.error]).toEqual(['FAILED', 'PreflightRefused']);
    expect(rested.cause).toContain('asks for mode "userspace"');
  });
});

/** What the record of `test` says of the ConfigMap. */
function recorded(): unknown {
  const key = 'executions/test/outcome.json';
  const { calls } = workflow.sandbox;
  const put = calls.findLast(({ operation, input }) => operation === 'PutObject' && Object(input).Key === key);
  const { Body } = JSON.parse(JSON.stringify(put?.input));
  return JSON.parse(Buffer.from(Body, 'base64').toString()).configMap;
}

/** A person lets nightshift's role read in the cluster for good. */
async function letRead(): Promise<void> {
  const client = new EKSClient({
    endpoint: workflow.sandbox.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'tester', secretAccessKey: 'tester' },
  });
  const entry = { clusterName: 'demo', principalArn: 'arn:aws:iam::111122223333:role/nightshift-kubernetes-us-east-1' };
  await client.send(new CreateAccessEntryCommand(entry));
  const policyArn = 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminViewPolicy';
  await client.send(new AssociateAccessPolicyCommand({ ...entry, policyArn, accessScope: { type: 'cluster' } }));
  client.destroy();
}

describe('a migration succeeds only if the next pod starts with the target', () => {
  it.each(['AwaitValidation', 'ConfirmConfiguration'])('values set back in %s fail it', async (state) => {
    const rested = await run([changes(state, '{}', { after: 0 })]);
    expect(rested.status).toBe('FAILED');
    expect(rested.cause).toContain('ConfigurationChanged');
    expect(rested.error).toBe('RolledBack');
    expect(values(rested)).toEqual({});
    expect(modes(rested)).toEqual(['iptables']);
  });

  it('an edited ConfigMap fails it', async () => {
    const rested = await run([other('AwaitValidation', 'edit-config-map', { fields: { mode: 'iptables' } })]);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'RolledBack']);
    expect(rested.cause).toContain('ConfigurationChanged');
  });

  it('a mode that another principal sets meanwhile fails it and stays', async () => {
    const theirs = '{"mode":"ipvs","ipvs":{"scheduler":"sh"}}';
    const rested = await run([changes('AwaitValidation', theirs)]);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'RollbackFailed']);
    expect(rested.cause).toContain('ConfigurationChanged');
    expect(rested.cluster.addon?.configurationValues).toBe(theirs);
  });

  it('a change of other values does not fail the migration', async () => {
    const theirs = '{"mode":"ipvs","ipvs":{"scheduler":"rr"},"podLabels":{"team":"net"}}';
    const rested = await run([changes('AwaitValidation', theirs)]);
    expect(rested.status).toBe('SUCCEEDED');
    expect(rested.cluster.addon?.configurationValues).toBe(theirs);
  });

  it('a rollback fails if values are set anew after the restore', async () => {
    const faults = [
      crash('RestartDaemonSet', 'ipvs'),
      changes('AwaitProof', '{"mode":"ipvs","ipvs":{"scheduler":"lc"}}', IN_ROLLBACK),
    ];
    const rested = await run(faults);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'RollbackFailed']);
    expect(values(rested)).toEqual({ mode: 'ipvs', ipvs: { scheduler: 'lc' } });
  });
});

describe('a compliant cluster', () => {
  it('is migrated if another principal sets it back during the proof', async () => {
    const addon = { ...OLD, configuration: '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}' };
    const rested = await run([changes('AwaitCompliance', '{}')], { addon });
    expect(rested.status).toBe('SUCCEEDED');
    expect(rested.output).toMatchObject({ ending: 'migrated' });
    expect(values(rested)).toEqual({ mode: 'ipvs', ipvs: { scheduler: 'rr' } });
  });

  const compliant = worldOf({ addon: { ...OLD, configuration: '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}' } });
  const edit = other('ProveCompliance', 'edit-config-map', { fields: { mode: 'iptables' } });

  it('whose ConfigMap may not be read: the record has `not looked at`', async () => {
    const addon = { ...OLD, configuration: '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}' };
    const request = { ...REQUEST, ...UNLISTED };
    const ended = await workflow.migrate(worldOf({ addon, endpoint: 'private' }), request, [edit]);
    expect(ended.output).toMatchObject({ ending: 'already-compliant' });
    expect(recorded()).toBe('not looked at');
    expect(writes({ calls: ofOurs(ended) })).toEqual([]);
  });

  it('whose ConfigMap may be read: an edit is found, and the cluster is migrated', async () => {
    const ended = await workflow.migrate(compliant, REQUEST, [edit], letRead);
    expect(ended.output).toMatchObject({ ending: 'migrated' });
    expect(ended.cluster.configMap).toEqual({ mode: 'ipvs', scheduler: 'rr' });
    expect(ended.cluster.accessEntries).toHaveLength(1);
  });

  it('whose ConfigMap may be read: it is compared, and nothing is written', async () => {
    const ended = await workflow.migrate(compliant, REQUEST, [], letRead);
    expect(ended.output).toMatchObject({ ending: 'already-compliant' });
    expect(recorded()).toBe('compared');
    expect(writes({ calls: ofOurs(ended) })).toEqual([]);
  });
});

describe('the lease', () => {
  it.each(['AwaitPreparation', 'CheckBeforeChange'])(
    'lost in %s ends the migration with nothing sent',
    async (state) => {
      const rested = await run([other(state, 'delete-lease')]);
      expect([rested.status, rested.error]).toEqual(['FAILED', 'LeaseLost']);
      expect(ours(rested, 'UpdateAddon')).toEqual([]);
      expect(modes(rested)).toEqual(['iptables']);
    },
  );

  it.each(['RestartCanary', 'RestartDaemonSet', 'CleanNodes'])(
    'lost before %s: the step is not made',
    async (state) => {
      const rested = await run([other(state, 'delete-lease')]);
      expect([rested.status, rested.error]).toEqual(['FAILED', 'RolledBack']);
      expect(rested.cause).toContain('LeaseLost');
      expect(modes(rested)).toEqual(['iptables']);
      expect(rested.state.schedules).toEqual([]);
    },
  );

  it.each(['RestoreAddon', 'RestartDaemonSet', 'CleanNodes'])(
    'lost in a rollback before %s is taken again first',
    async (state) => {
      const rested = await run([crash('RestartDaemonSet', 'ipvs'), other(state, 'delete-lease', IN_ROLLBACK)]);
      expect(rested.error).toBe('RolledBack');
      expect(modes(rested)).toEqual(['iptables']);
      expect(rested.state.schedules).toEqual([]);
    },
  );

  it.each(['ReadAccess', 'ReadLease'])('that another execution took in %s is left to it', async (state) => {
    const rested = await run([other(state, 'take-lease', { hours: 10 })]);
    expect(rested.status).toBe('SUCCEEDED');
    const taken = rested.calls.findIndex((call) => call.operation === 'CreateSchedule' && call.principal === 'other');
    expect(taken).toBeGreaterThan(0);
    expect(ours({ ...rested, calls: rested.calls.slice(taken) }, 'DeleteSchedule')).toEqual([]);
  });

  it('that another execution took before the preparation: no node is prepared', async () => {
    const rested = await run([other('PrepareNodes', 'take-lease', { hours: 1 })]);
    expect(rested.error).toBe('LeaseLost');
    expect(ours(rested, 'SendCommand')).toEqual([]);
  });

  it('that another execution took after the change: the rollback waits for it', async () => {
    const rested = await run([other('RestartDaemonSet', 'take-lease', { hours: 1 })]);
    expect(rested.error).toBe('RolledBack');
    expect(modes(rested)).toEqual(['iptables']);
  });
});

describe('the access entry', () => {
  it('that another principal made in place of ours is kept', async () => {
    const rested = await run([other('ReadAccess', 'replace-access-entry')]);
    expect(rested.status).toBe('SUCCEEDED');
    expect(rested.cluster.accessEntries).toHaveLength(1);
  });

  it('that another principal made is kept before a long wait, too', async () => {
    const rested = await run([other('ReadAccessForWait', 'replace-access-entry')]);
    expect(rested.cluster.accessEntries).toHaveLength(1);
  });
});

describe('a decision that was made before the lease was taken', () => {
  it.each(['public', 'private'])('is not used, with an endpoint that is %s', async (endpoint) => {
    const compliant = '{"mode":"ipvs","ipvs":{"scheduler":"rr"},"podAnnotations":{"restarted":"by-another"}}';
    const faults = [changes('AcquireLease', compliant), skip('AcquireLease', 0.2)];
    const rested = await run(faults, { endpoint }, UNLISTED);
    expect(rested.output).toMatchObject({ ending: 'already-compliant' });
    expect(rested.path.indexOf('ProveCompliance')).toBeGreaterThan(rested.path.indexOf('AcquireLease'));
    expect(ours(rested, 'UpdateAddon')).toEqual([]);
    expect(rested.cluster.addon?.configurationValues).toBe(compliant);
    expect(rested.state.schedules).toEqual([]);
  });

  it('lets one of two migrations change the cluster, and the other change nothing', async () => {
    const rested = await run([{ at: 'InspectCluster', execution: 'duplicate' }]);
    const ends = rested.executions.map(({ status, error }) => error ?? status);
    expect(ends.sort()).toEqual(['AlreadyMigrating', 'SUCCEEDED']);
    expect(ours(rested, 'UpdateAddon')).toHaveLength(1);
  });
});

describe('an update of the add-on that takes a quarter of an hour', () => {
  const late = (cluster: object) =>
    workflow.migrateAndRest(worldOf(cluster, { windows: WINDOWS, latencies: { addonUpdate: 780 } }), {
      ...REQUEST,
      window: 'narrow',
      notBefore: '2026-11-21T07:50:00Z',
      ...UNLISTED,
    });

  it('and outlasts the window restarts nothing: only the configuration is restored', async () => {
    const rested = await late({});
    expect([rested.status, rested.error]).toEqual(['FAILED', 'RolledBack']);
    expect(rested.cause).toContain('WindowClosed: The window closed before kube-proxy was restarted on any node');
    expect(rested.calls.filter(({ operation }) => /^(patch daemonsets|delete pods)$/.test(operation))).toEqual([]);
    expect(modes(rested)).toEqual(['iptables']);
    expect(rested.cluster.addon?.configurationValues).toBe('{"resources":{"requests":{"cpu":"150m"}}}');
    expect(rested.cluster.configMap.mode).toBe('iptables');
  });

  it('would let EKS restart the nodes after the window: it waits for the next one', async () => {
    const rested = await late({ endpoint: 'private' });
    expect(rested.status).toBe('SUCCEEDED');
    expect(rested.path.filter((state) => state === 'AwaitWindow')).toHaveLength(1);
    const [sent] = ours(rested, 'UpdateAddon');
    expect(sent?.at.slice(0, 13)).toBe('2026-11-28T07');
    expect(modes(rested)).toEqual(['ipvs']);
  });
});

describe('the window is checked again between canary and restart', () => {
  it('if it has closed, only the canary is restored', async () => {
    const rested = await workflow.migrateAndRest(worldOf({}, { windows: WINDOWS }), { ...REQUEST, window: 'narrow' }, [
      skip('ValidateCanary', 0.98),
    ]);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'RolledBack']);
    expect(rested.cause).toContain('WindowClosed');
    expect(rested.path).not.toContain('RestartDaemonSet');
    expect(rested.calls.filter(({ operation }) => operation === 'patch daemonsets')).toEqual([]);
    expect(rested.calls.filter(({ operation }) => operation === 'delete pods')).toHaveLength(2);
    expect(modes(rested)).toEqual(['iptables']);
    expect(rested.cluster.addon?.configurationValues).toBe('{"resources":{"requests":{"cpu":"150m"}}}');
  });

  it('a change that fails before any restart is undone without a restart', async () => {
    const rested = await run([APPLIED]);
    expect(rested.error).toBe('RolledBack');
    expect(rested.calls.filter(({ operation }) => /^(patch daemonsets|delete pods)$/.test(operation))).toEqual([]);
    expect(modes(rested)).toEqual(['iptables']);
  });
});
