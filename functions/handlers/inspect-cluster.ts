import { type CloudWatch, cloudwatch } from '../aws/cloudwatch.ts';
import { ec2 } from '../aws/ec2.ts';
import { type Eks, eks } from '../aws/eks.ts';
import { type ObjectStore, objectStore } from '../aws/s3.ts';
import { ssm } from '../aws/ssm.ts';
import { Input, type Output } from '../contracts/inspect-cluster.ts';
import { estimateChange, windowNeeded } from '../core/execution/estimate.ts';
import { parseRequest } from '../core/execution/request.ts';
import { fitsStateData } from '../core/execution/state-data.ts';
import type { Settings } from '../core/fleet/settings.ts';
import { type GuardLook, type Guards, guardsOf, NO_GUARDS } from '../core/guards/alarms.ts';
import { countInventory } from '../core/nodes/nodes.ts';
import { kubeProxyImage } from '../core/preflight/daemon-set.ts';
import { versionToAdopt } from '../core/preflight/kube-proxy-version.ts';
import { type ClusterSnapshot, type MigrationPlan, planMigration } from '../core/preflight/plan.ts';
import type { Workloads } from '../core/preflight/preflight.ts';
import { countsEndpoints } from '../core/preflight/services.ts';
import type { Parsed } from '../core/values/parse-input.ts';
import { environment } from '../runtime/environment.ts';
import { type OpenKubernetes, openKubernetes } from '../runtime/kubernetes-access.ts';
import { type Log, type Run, wrap } from '../runtime/wrap.ts';
import { evidenceKey, writeInventory } from './shared/evidence.ts';
import { askGuards } from './shared/guards.ts';
import { clusterFacts, type InventoryDeps, seeNodes } from './shared/inventory.ts';

export interface Deps extends InventoryDeps {
  eks: Pick<Eks, 'snapshot' | 'schema' | 'fargateProfiles'>;
  cloudwatch: CloudWatch;
  settings: () => Pick<Settings, 'guards'>;
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
    const guards = guardsOf(deps.settings().guards, snapshot.tags, snapshot.arn);
    const guarded = await lookAtGuards(deps.cloudwatch, guards, log);
    const sight = { guards: guarded, restartFor: execution.name, inVpc: deps.inVpc(), refuted, ...seen };
    const plan = planMigration(snapshot, inventory, request, sight);
    const stored = await writeInventory(deps.store, evidenceKey(execution, step, 'inventory.ndjson.gz'), inventory);
    const counts = countInventory(inventory);
    const eligible = counts.ssm + counts.proxyMode;
    log.decision(`plan.${plan.kind}`, { cluster: request.cluster, step, reasons: plan.reasons.join(' '), ...counts });
    return {
      request,
      plan: planOf(plan),
      // Tags that break a rule refuse the plan.
      cluster: { ...clusterFacts(snapshot, execution), guards: guards.kind === 'parsed' ? guards.data : NO_GUARDS },
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

/** What the guards say now, for the preflight check: the change itself asks them again. */
async function lookAtGuards(cloudwatch: CloudWatch, guards: Parsed<Guards>, log: Log): Promise<GuardLook> {
  if (guards.kind === 'broken') return guards;
  return { kind: 'asked', guards: guards.data, decision: await askGuards(cloudwatch, guards.data, log) };
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

export const handler = wrap(
  Input,
  inspectCluster({
    eks,
    ec2,
    ssm,
    cloudwatch,
    openKubernetes,
    store,
    inVpc: environment.inVpc,
    settings: environment.settings,
  }),
);
