import * as z from 'zod/mini';
import { type Ec2, ec2 } from '../aws/ec2.ts';
import { type Eks, eks } from '../aws/eks.ts';
import type { Kubernetes } from '../aws/kubernetes.ts';
import { type ObjectStore, objectStore, type StoredObject } from '../aws/s3.ts';
import { type Ssm, ssm } from '../aws/ssm.ts';
import { serviceAddresses } from '../core/cluster-ip.ts';
import { estimateChange } from '../core/estimate.ts';
import { buildInventory, countInventory, type InventoryNode, type KubeProxyPod } from '../core/nodes.ts';
import { type MigrationPlan, planMigration } from '../core/plan.ts';
import { type MigrationRequest, parseRequest } from '../core/request.ts';
import { type ClusterSnapshot, restartStrategy } from '../core/snapshot.ts';
import { environment } from './shared/environment.ts';
import { evidenceKey, writeInventory } from './shared/evidence.ts';
import { Common, type Execution, Step } from './shared/input.ts';
import { type OpenKubernetes, openKubernetes } from './shared/kubernetes-access.ts';
import { type Run, wrap } from './shared/wrap.ts';

const Input = z.object({ ...Common, step: Step, request: z.unknown(), kubernetes: z.boolean() });
type Input = z.output<typeof Input>;

export interface Deps {
  eks: Pick<Eks, 'snapshot' | 'fargateProfiles'>;
  ec2: Ec2;
  ssm: Pick<Ssm, 'managedNodes'>;
  openKubernetes: OpenKubernetes;
  store: ObjectStore;
}

export interface Output {
  request: MigrationRequest;
  plan: { kind: MigrationPlan['kind']; reasons: string[]; strategy: string | null; configuration: string | null };
  cluster: { name: string; arn: string; version: string; serviceCidr: string; apiServer: string; dns: string };
  addon: { version: string; configuration: string | null } | null;
  inventory: StoredObject & { counts: ReturnType<typeof countInventory> };
  estimateSeconds: number;
}

/**
 * One read-only look at the cluster through EKS, EC2 and SSM, and through its own API when `kubernetes` says so; the
 * inventory goes to S3, the plan to the state machine. Throws InvalidRequest, UnknownCluster, PreflightRefused,
 * InvalidConfiguration, KubernetesUnreachable, KubernetesForbidden.
 */
export function inspectCluster(deps: Deps): Run<Input, Output> {
  return async ({ execution, step, request: raw, kubernetes }, say) => {
    const request = parseRequest(raw);
    const snapshot = await deps.eks.snapshot(request.cluster);
    const inventory = await takeInventory(deps, request.cluster, kubernetes ? execution : null);
    const plan = planMigration(snapshot, inventory, request);
    const stored = await writeInventory(deps.store, evidenceKey(execution, step, 'inventory.ndjson.gz'), inventory);
    const counts = countInventory(inventory);
    say.decision(`plan.${plan.kind}`, { cluster: request.cluster, step, reasons: plan.reasons.join(' '), ...counts });
    return {
      request,
      plan: planOf(plan, snapshot),
      cluster: clusterOf(snapshot),
      addon: snapshot.addon && { version: snapshot.addon.version, configuration: snapshot.addon.configuration },
      inventory: { ...stored, counts },
      estimateSeconds: estimateChange(counts.ssm + counts.proxyMode).total,
    };
  };
}

async function takeInventory(deps: Deps, cluster: string, access: Execution | null): Promise<InventoryNode[]> {
  const [nodes, fargateProfiles] = await Promise.all([deps.ec2.nodes(cluster), deps.eks.fargateProfiles(cluster)]);
  const api = access && (await deps.openKubernetes(cluster, access));
  const pods = api && (await api.kubeProxyPods());
  const managed = await deps.ssm.managedNodes([...nodes.map(({ id }) => id), ...hybridIds(pods ?? [])]);
  const seen = { ec2: nodes, managed, pods, fargateProfiles };
  const inventory = buildInventory(seen);
  if (!api || !pods) return inventory;
  return buildInventory({ ...seen, pods: await withProxyModes(api, pods, inventory) });
}

/** EKS names a hybrid node after its SSM managed instance. */
function hybridIds(pods: readonly KubeProxyPod[]): string[] {
  return [...new Set(pods.map(({ nodeName }) => nodeName).filter((name) => name.startsWith('mi-')))];
}

/** Asks only the pods on nodes where no document can run: the others prove more by themselves. */
async function withProxyModes(
  api: Kubernetes,
  pods: KubeProxyPod[],
  inventory: InventoryNode[],
): Promise<KubeProxyPod[]> {
  const names = new Set(inventory.filter(({ handling }) => handling.by === 'proxy-mode').map(({ name }) => name));
  const asked = pods.filter(({ nodeName }) => names.has(nodeName)).map(({ name }) => name);
  const modes = await api.proxyModes(asked);
  return pods.map((pod) => ({ ...pod, proxyMode: modes.get(pod.name) ?? null }));
}

/** A plan of `none` carries what a restart would need: the nodes may yet contradict the configuration. */
function planOf(plan: MigrationPlan, snapshot: ClusterSnapshot): Output['plan'] {
  const { kind, reasons } = plan;
  if (plan.kind === 'migrate') return { kind, reasons, strategy: plan.strategy, configuration: plan.configuration };
  if (plan.kind === 'refuse') return { kind, reasons, strategy: null, configuration: null };
  return { kind, reasons, strategy: restartStrategy(snapshot), configuration: snapshot.addon?.configuration ?? null };
}

function clusterOf({ name, arn, version, serviceCidr }: ClusterSnapshot): Output['cluster'] {
  const { apiServer, dns } = serviceAddresses(serviceCidr);
  return { name, arn, version, serviceCidr, apiServer, dns };
}

const store = objectStore(environment.evidenceBucket);

export const handler = wrap(Input, inspectCluster({ eks, ec2, ssm, openKubernetes, store }));
