import { ec2 } from '../aws/ec2.ts';
import { type Eks, eks } from '../aws/eks.ts';
import { type ObjectStore, objectStore } from '../aws/s3.ts';
import { ssm } from '../aws/ssm.ts';
import { Input, type Output } from '../contracts/inspect-cluster.ts';
import { estimateChange, windowNeeded } from '../core/execution/estimate.ts';
import { parseRequest } from '../core/execution/request.ts';
import { fitsStateData } from '../core/execution/state-data.ts';
import { countInventory } from '../core/nodes/nodes.ts';
import { kubeProxyImage } from '../core/preflight/daemon-set.ts';
import { versionToAdopt } from '../core/preflight/kube-proxy-version.ts';
import { type ClusterSnapshot, type MigrationPlan, planMigration } from '../core/preflight/plan.ts';
import type { Workloads } from '../core/preflight/preflight.ts';
import { countsEndpoints } from '../core/preflight/services.ts';
import { environment } from '../runtime/environment.ts';
import { type OpenKubernetes, openKubernetes } from '../runtime/kubernetes-access.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { evidenceKey, writeInventory } from './shared/evidence.ts';
import { clusterFacts, type InventoryDeps, seeNodes } from './shared/inventory.ts';

export interface Deps extends InventoryDeps {
  eks: Pick<Eks, 'snapshot' | 'schema' | 'fargateProfiles'>;
  openKubernetes: OpenKubernetes;
  store: ObjectStore;
  inVpc: () => boolean;
}

/**
 * Inspects the cluster, read-only, through EKS, EC2 and SSM, and with `kubernetes` through the Kubernetes API. The
 * inventory goes to S3, the plan to the state machine. Throws InvalidRequest, UnknownCluster, PreflightRefused,
 * InvalidConfiguration, KubernetesUnreachable, KubernetesForbidden.
 */
export function inspectCluster(deps: Deps): Run<Input, Output> {
  return async ({ execution, step, request: raw, kubernetes, refuted = false }, log) => {
    const request = parseRequest(raw);
    const described = await deps.eks.snapshot(request.cluster);
    const api = kubernetes ? await deps.openKubernetes(described, execution) : null;
    const { inventory, ec2: instances, managed } = await seeNodes(deps, request.cluster, api);
    const workloads = api && (await api.workloads({ endpoints: countsEndpoints(described, request) }));
    const snapshot = await adopting(deps.eks, described, workloads);
    const seen = { ec2: instances, managed, workloads };
    const sight = { restartFor: execution.name, inVpc: deps.inVpc(), refuted, ...seen };
    const plan = planMigration(snapshot, inventory, request, sight);
    const stored = await writeInventory(deps.store, evidenceKey(execution, step, 'inventory.ndjson.gz'), inventory);
    const counts = countInventory(inventory);
    const eligible = counts.ssm + counts.proxyMode;
    log.decision(`plan.${plan.kind}`, { cluster: request.cluster, step, reasons: plan.reasons.join(' '), ...counts });
    return {
      request,
      plan: planOf(plan),
      cluster: clusterFacts(snapshot, execution),
      addon: snapshot.addon && {
        version: snapshot.addon.version,
        configuration: carried(snapshot.addon.configuration),
      },
      configMap: configMapOf(workloads),
      inventory: { ...stored, counts },
      estimateSeconds: estimateChange(eligible).total,
      windowSeconds: plan.kind === 'refuse' ? null : windowNeeded(eligible, plan.strategy),
    };
  };
}

/** The add-on version for a self-managed kube-proxy follows from kube-proxy's image, which only Kubernetes shows. */
async function adopting(
  eks: Pick<Eks, 'schema'>,
  snapshot: ClusterSnapshot,
  workloads: Workloads | null,
): Promise<ClusterSnapshot> {
  const { offered } = snapshot;
  if (offered === null || workloads === null) return snapshot;
  const version = versionToAdopt(offered, kubeProxyImage(workloads));
  if (version === offered.version) return snapshot;
  return { ...snapshot, offered: { ...offered, version, schema: await eks.schema(version) } };
}

/** A plan of the kind `none` carries what a restart would need: the nodes may still fail to prove the configuration. */
function planOf(plan: MigrationPlan): Output['plan'] {
  const nothing = { strategy: null, way: null, configuration: null, createVersion: null };
  return plan.kind === 'refuse' ? { ...nothing, ...plan } : plan;
}

function configMapOf(workloads: Workloads | null): string | null {
  return carried(workloads?.configMap.kind === 'read' ? workloads.configMap.value : null);
}

/** A text that is too long is left out of the answer: its preflight check refuses it. */
const carried = (text: string | null): string | null => (text !== null && fitsStateData(text) ? text : null);

const store = objectStore(environment.evidenceBucket);

export const handler = wrap(Input, inspectCluster({ eks, ec2, ssm, openKubernetes, store, inVpc: environment.inVpc }));
