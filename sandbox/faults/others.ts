import { recordCall } from '../calls.ts';
import { KUBE_PROXY_CONFIG, NAMESPACE } from '../kubernetes/kube-proxy-objects.ts';
import { editedProxyConfig } from '../kubernetes/proxy-config.ts';
import type { AccessEntry, ApiCall, Cluster, Region } from '../region.ts';
import { kubeProxyVersions } from '../services/eks/addon-schema.ts';
import { ADDON_NAME } from '../services/eks/lookup.ts';
import { after } from '../services/latency.ts';
import type { Schedule } from '../services/scheduler/schedules.ts';
import type { Call } from '../wire/dispatcher.ts';
import { ServiceError } from '../wire/error.ts';
import type { OtherFault } from './kinds.ts';

/** The services through which another principal acts: the same as for every caller. */
export interface OthersWorld {
  readonly region: Region;
  readonly calls: ApiCall[];
  readonly call: (call: Call) => Promise<unknown>;
  /** The Region's schedules. */
  readonly schedules: () => readonly Schedule[];
  /** Name of the schedule that is a cluster's lease. */
  readonly leaseName: (cluster: string) => string;
}

/** The name of the other principal in the log of calls. */
export const OTHER = 'other';
/** Seconds between retries, and their limit, of a call that EKS refuses because an update is in flight. */
const RETRY_SECONDS = 5;
const PATIENCE_SECONDS = 3_600;

/**
 * Does what the fault says as another principal, with calls of its own in the log. A change that meets an update in
 * flight is made as soon as EKS accepts it. Does nothing and returns false if the add-on, the lease or the access entry
 * does not exist.
 */
export async function actAsOther(world: OthersWorld, cluster: Cluster, fault: OtherFault): Promise<boolean> {
  const addon = { clusterName: cluster.name, addonName: ADDON_NAME };
  switch (fault.other) {
    case 'change-addon':
      return changeAddon(world, cluster, 'UpdateAddon', {
        ...addon,
        configurationValues: fault.configuration,
        resolveConflicts: 'OVERWRITE',
      });
    case 'upgrade-addon':
      return changeAddon(world, cluster, 'UpdateAddon', {
        ...addon,
        addonVersion: fault.version ?? kubeProxyVersions(cluster.version).at(-1),
        resolveConflicts: 'PRESERVE',
      });
    case 'delete-addon':
      return changeAddon(world, cluster, 'DeleteAddon', { ...addon, preserve: true });
    case 'edit-config-map':
      return editConfigMap(world, cluster, fault);
    case 'delete-lease':
    case 'take-lease':
      return moveLease(world, cluster, fault);
    case 'delete-access-entry':
    case 'replace-access-entry':
      return changeEntries(world, cluster, fault);
    case 'put-parameter': {
      const input = { Name: fault.name, Value: fault.value, Type: 'String', Overwrite: true };
      await callAsOther(world, { service: 'ssm', operation: 'PutParameter', input });
      return true;
    }
    case 'delete-parameter': {
      const input = { Names: [fault.name] };
      await callAsOther(world, { service: 'ssm', operation: 'DeleteParameters', input });
      return true;
    }
    case 'set-alarm':
      return setAlarm(world, fault);
  }
}

type Operation = Pick<Call, 'service' | 'operation' | 'input'>;

function callAsOther({ region, call }: OthersWorld, operation: Operation): Promise<unknown> {
  const principalArn = `arn:aws:iam::${region.account}:user/${OTHER}`;
  return call({ ...operation, principal: OTHER, principalArn, undisturbed: true });
}

async function changeAddon(
  world: OthersWorld,
  cluster: Cluster,
  operation: string,
  input: Record<string, unknown>,
): Promise<boolean> {
  if (!cluster.addon) return false;
  const { region } = world;
  const patience = after(region, PATIENCE_SECONDS * 1_000);
  const attempt = async (): Promise<void> => {
    try {
      await callAsOther(world, { service: 'eks', operation, input });
    } catch (error) {
      // The add-on was deleted while this change waited for its turn.
      if (error instanceof ServiceError && error.name === 'ResourceNotFoundException') return;
      if (!(error instanceof ServiceError && error.name === 'ResourceInUseException')) throw error;
      const next = after(region, RETRY_SECONDS * 1_000);
      if (next <= patience) region.clock.at(next, attempt);
    }
  };
  await attempt();
  return true;
}

function editConfigMap(
  { calls, region }: OthersWorld,
  cluster: Cluster,
  { text, fields = {} }: OtherFault & { other: 'edit-config-map' },
): boolean {
  return cluster.kubernetes.editProxyConfig((before) => {
    const config = text ?? editedProxyConfig(before, fields);
    recordCall(calls, {
      at: region.clock.now(),
      service: 'kubernetes',
      operation: 'patch configmaps',
      principal: OTHER,
      input: { cluster: cluster.name, namespace: NAMESPACE, name: KUBE_PROXY_CONFIG, body: { data: { config } } },
    });
    return config;
  });
}

const METRIC = {
  Namespace: 'Shop',
  MetricName: 'Errors',
  EvaluationPeriods: 1,
  ComparisonOperator: 'GreaterThanThreshold',
};

async function setAlarm(
  world: OthersWorld,
  { name, state, reason, composite }: OtherFault & { other: 'set-alarm' },
): Promise<boolean> {
  const alarm = { AlarmName: name };
  const put = composite
    ? { operation: 'PutCompositeAlarm', input: { ...alarm, AlarmRule: 'FALSE' } }
    : { operation: 'PutMetricAlarm', input: { ...alarm, ...METRIC } };
  await callAsOther(world, { service: 'monitoring', ...put });
  const input = { ...alarm, StateValue: state, StateReason: reason };
  await callAsOther(world, { service: 'monitoring', operation: 'SetAlarmState', input });
  return true;
}

async function moveLease(
  world: OthersWorld,
  cluster: Cluster,
  fault: OtherFault & { other: 'delete-lease' | 'take-lease' },
): Promise<boolean> {
  const { region } = world;
  const name = world.leaseName(cluster.name);
  const held = world.schedules().find((schedule) => schedule.name === name);
  if (!held) return false;
  const place = { Name: name, GroupName: held.group };
  const remove = () => callAsOther(world, { service: 'scheduler', operation: 'DeleteSchedule', input: place });
  await remove();
  if (fault.other === 'delete-lease') return true;
  const { Arn, RoleArn } = held.target;
  await callAsOther(world, {
    service: 'scheduler',
    operation: 'CreateSchedule',
    input: {
      ...place,
      ScheduleExpression: held.expression,
      FlexibleTimeWindow: { Mode: 'OFF' },
      // The foreign lease starts nothing: it only holds the name.
      State: 'DISABLED',
      Description: `Held by ${OTHER}`,
      Target: { Arn, RoleArn, Input: '{}' },
    },
  });
  region.clock.at(after(region, fault.hours * 3_600_000), async () => {
    const now = world.schedules().find((schedule) => schedule.name === name);
    if (now?.description === `Held by ${OTHER}`) await remove();
  });
  return true;
}

async function changeEntries(
  world: OthersWorld,
  cluster: Cluster,
  fault: OtherFault & { other: 'delete-access-entry' | 'replace-access-entry' },
): Promise<boolean> {
  const entries = [...cluster.accessEntries.values()].filter(
    ({ principalArn }) => principalArn === (fault.principal ?? principalArn),
  );
  for (const { principalArn } of entries) {
    const place = { clusterName: cluster.name, principalArn };
    await callAsOther(world, { service: 'eks', operation: 'DeleteAccessEntry', input: place });
    if (fault.other === 'replace-access-entry')
      await callAsOther(world, { service: 'eks', operation: 'CreateAccessEntry', input: { ...place, ...ENTRY } });
  }
  return entries.length > 0;
}

const ENTRY: Pick<AccessEntry, 'kubernetesGroups' | 'tags'> = {
  kubernetesGroups: ['operators'],
  tags: { owner: OTHER },
};
