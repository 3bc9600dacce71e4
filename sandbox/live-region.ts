import { buildCluster, type NodeKind } from './build-cluster.ts';
import { seededRandom } from './build-region.ts';
import { openCalendars } from './calendars.ts';
import { type Clock, RealClock, VirtualClock } from './clock.ts';
import { Credentials } from './credentials.ts';
import { DOCUMENTS, deployFunctions, deploymentOf, deployStateMachines } from './deployment.ts';
import { Faults } from './faults.ts';
import type { Certificates } from './kubernetes/certificates.ts';
import { kubeconfig } from './kubernetes/kubeconfig.ts';
import type { RunningKubernetesApi } from './kubernetes/start.ts';
import type { LambdaHost } from './lambda/host.ts';
import type { ApiCall, Region } from './region.ts';
import { ec2Service } from './services/ec2.ts';
import { kubeProxySchema } from './services/eks/addon-schema.ts';
import { eksService } from './services/eks.ts';
import { EventBuses, eventsService } from './services/events.ts';
import { lambdaService } from './services/lambda.ts';
import { s3Service } from './services/s3.ts';
import { Schedules } from './services/scheduler/schedules.ts';
import { fireTarget } from './services/scheduler/target.ts';
import { schedulerService } from './services/scheduler.ts';
import { ssmService } from './services/ssm.ts';
import { stsService } from './services/sts.ts';
import { reportState, type SandboxState } from './state.ts';
import { StepFunctions } from './step-functions/engine.ts';
import { stepFunctionsService } from './step-functions/service.ts';
import { Dispatcher } from './wire/dispatcher.ts';
import type { World } from './world.ts';

export interface RegionOptions {
  world: World;
  clock: Clock['kind'];
  nodeKind: NodeKind;
  /** Where the region's AWS APIs answer. */
  endpoint: string;
  certificates: Certificates;
  host: LambdaHost;
  /** Handler file name → path of its bundle. */
  bundles: Map<string, string>;
  /** Hears of what went wrong in the sandbox itself, never of what a workflow ended in. */
  onBug: (error: unknown) => void;
}

/** A world that runs: its clusters, its services, and nightshift deployed in it. */
export interface LiveRegion {
  readonly region: Region;
  readonly dispatcher: Dispatcher;
  readonly credentials: Credentials;
  readonly faults: Faults;
  readonly calls: ApiCall[];
  readonly stepFunctions: StepFunctions;
  /** YAML with a context for each cluster. */
  readonly kubeconfig: string;
  /** Name → ARN. */
  readonly stateMachines: Record<string, string>;
  state(): Promise<SandboxState>;
  close(): Promise<void>;
}

/** Builds a world and deploys nightshift into it. Resolves when its Kubernetes APIs listen. */
export async function openRegion(options: RegionOptions): Promise<LiveRegion> {
  const { world, host, certificates, onBug } = options;
  const clock = options.clock === 'virtual' ? new VirtualClock(world.start, onBug) : new RealClock(onBug);
  const region: Region = {
    account: world.account,
    name: world.region,
    clock,
    random: seededRandom(world.seed),
    latencies: world.latencies,
    clusters: new Map(),
  };
  const credentials = new Credentials(world.account);
  const calls: ApiCall[] = [];
  const apis = await openClusters(options, region, { credentials, calls, certificates });
  const faults = new Faults(region);
  const dispatcher = new Dispatcher({ clock, calls, faults });
  const invoke = (name: string, payload: unknown) => clock.busy(() => host.invoke(name, payload));
  const stepFunctions = new StepFunctions({
    region,
    invokeFunction: invoke,
    callService: (call) => dispatcher.call(call),
    onBug: (error, execution) => onBug(new Error(`execution ${execution.name}`, { cause: error })),
  });
  const schedules = registerServices(options, { region, dispatcher, credentials, stepFunctions });
  const functions = deployFunctions(host, { world, endpoint: options.endpoint, credentials, bundles: options.bundles });
  const stateMachines = deployStateMachines(stepFunctions, world, functions);
  return {
    region,
    dispatcher,
    credentials,
    faults,
    calls,
    stepFunctions,
    kubeconfig: kubeconfig(apis),
    stateMachines,
    state: () => reportState(region, stepFunctions, () => schedules.list()),
    close: async () => {
      clock.stop();
      await Promise.all(apis.map((api) => api.close()));
      await Promise.all(
        [...region.clusters.values()].flatMap(({ nodes }) => nodes.map(({ machine }) => machine?.stop())),
      );
    },
  };
}

async function openClusters(
  { world, nodeKind }: RegionOptions,
  region: Region,
  around: { credentials: Credentials; calls: ApiCall[]; certificates: Certificates },
): Promise<RunningKubernetesApi[]> {
  const built = await Promise.all(
    world.clusters.map((described, index) =>
      buildCluster(described, `/clusters/${index}`, { region, nodeKind, ...around }),
    ),
  );
  for (const { cluster } of built) region.clusters.set(cluster.name, cluster);
  return built.map(({ api }) => api);
}

function registerServices(
  { world, host, onBug }: RegionOptions,
  parts: { region: Region; dispatcher: Dispatcher; credentials: Credentials; stepFunctions: StepFunctions },
): Schedules {
  const { region, dispatcher, credentials, stepFunctions } = parts;
  const { evidenceBucket, documentPrefix } = deploymentOf(world);
  const schedules = new Schedules(region, fireTarget(dispatcher));
  const addonSchema = (version: string) => schemaWithModes(world.addonModes[version], version);
  dispatcher.register('eks', eksService(region, { addonSchema }));
  dispatcher.register('ec2', ec2Service(region));
  const calendars = openCalendars(world.calendars, region.clock);
  dispatcher.register('ssm', ssmService(region, { documents: DOCUMENTS, documentPrefix, calendars }));
  dispatcher.register('s3', s3Service(region, { buckets: [evidenceBucket] }));
  dispatcher.register('sts', stsService({ account: world.account, credentials }));
  dispatcher.register('scheduler', schedulerService(region, schedules));
  dispatcher.register('events', eventsService(new EventBuses(region)));
  dispatcher.register('lambda', lambdaService(region, host, onBug));
  dispatcher.register('states', stepFunctionsService(stepFunctions));
  return schedules;
}

/** The built-in configuration schema with other modes in it, where the world says so. */
function schemaWithModes(modes: string[] | undefined, addonVersion: string): Record<string, unknown> | undefined {
  return modes && kubeProxySchema(addonVersion.replace(/^v(\d+\.\d+)\..*$/, '$1'), modes);
}
