import { buildCluster, type ClusterSurroundings, type NodeMaking } from './build-cluster.ts';
import { seededRandom } from './build-region.ts';
import { openCalendars } from './calendars.ts';
import { recordCall } from './calls.ts';
import { type Clock, RealClock, VirtualClock } from './clock.ts';
import { Credentials } from './credentials.ts';
import { joinNodes } from './faults/join.ts';
import { Faults } from './faults.ts';
import type { Installation } from './installation.ts';
import { kubeconfig } from './kubernetes/kubeconfig.ts';
import type { Listeners } from './kubernetes/listeners.ts';
import type { RunningKubernetesApi } from './kubernetes/start.ts';
import { type LambdaHost, unqualified } from './lambda/host.ts';
import { Invocations } from './lambda/invocations.ts';
import { type Messaging, openMessaging } from './messaging.ts';
import { Rates } from './rates/buckets.ts';
import { publishedRates, publishedTransitions } from './rates/published.ts';
import type { ApiCall, Region } from './region.ts';
import { ec2Service } from './services/ec2.ts';
import { kubeProxySchema } from './services/eks/addon-schema.ts';
import { eksService } from './services/eks.ts';
import { StatusChanges } from './services/events/status-changes.ts';
import { lambdaService } from './services/lambda.ts';
import { Alarms } from './services/monitoring/alarms.ts';
import { monitoringService } from './services/monitoring.ts';
import { s3Service } from './services/s3.ts';
import { Schedules } from './services/scheduler/schedules.ts';
import { fireTarget } from './services/scheduler/target.ts';
import { schedulerService } from './services/scheduler.ts';
import type { Disturb } from './services/ssm/commands.ts';
import { ssmService } from './services/ssm.ts';
import { stsService } from './services/sts.ts';
import { reportState, type SandboxState } from './state.ts';
import { StepFunctions } from './step-functions/engine.ts';
import { stepFunctionsService } from './step-functions/service.ts';
import { templateInstallation } from './template/install.ts';
import { Stack } from './template/stack.ts';
import { Dispatcher } from './wire/dispatcher.ts';
import type { World } from './world.ts';

export interface RegionOptions {
  world: World;
  clock: Clock['kind'];
  nodeMaking: NodeMaking;
  /** Where the region's AWS APIs answer. */
  endpoint: string;
  listeners: Listeners;
  host: LambdaHost;
  /** Whether anybody hears what the functions log. */
  logs: boolean;
  /** Function → path of its bundle. */
  bundles: ReadonlyMap<string, string>;
  /** A CloudFormation template, parsed from JSON. */
  template: unknown;
  /** Name of the stack that it becomes. */
  stack: string;
  /** Name of the schedule that is a cluster's lease. */
  leaseName: (cluster: string) => string;
  /** Gets the errors of the sandbox itself, never those of a workflow. */
  onBug: (error: unknown) => void;
}

/** A world that runs: its clusters, its services, and what is deployed in it. */
export interface LiveRegion {
  readonly region: Region;
  readonly dispatcher: Dispatcher;
  readonly credentials: Credentials;
  readonly faults: Faults;
  readonly calls: ApiCall[];
  readonly stepFunctions: StepFunctions;
  readonly messaging: Messaging;
  readonly schedules: Schedules;
  readonly alarms: Alarms;
  /** YAML with a context for each cluster. */
  readonly kubeconfig: string;
  /** Name → ARN. */
  readonly stateMachines: Record<string, string>;
  state(): Promise<SandboxState>;
  close(): Promise<void>;
}

/**
 * Builds a world and deploys the template into it. Resolves when its Kubernetes APIs listen.
 *
 * @throws TemplateError for a template that the sandbox cannot deploy.
 */
export async function openRegion(options: RegionOptions): Promise<LiveRegion> {
  const { world, host, listeners, onBug, template, stack, nodeMaking, leaseName } = options;
  const { account, region: name } = world;
  const installation = templateInstallation(new Stack(template, { account, region: name, stack }));
  const clock = options.clock === 'virtual' ? new VirtualClock(world.start, onBug) : new RealClock(onBug);
  const region = emptyRegion(world, clock);
  const credentials = new Credentials(world.account);
  const calls: ApiCall[] = [];
  const faults = new Faults(region, {
    clock,
    random: region.random,
    calls,
    documents: installation.documents.map((document) => document.name),
    stepFunctions: () => stepFunctions,
    join: (cluster, join) => joinNodes(region, nodeMaking, cluster, join),
    others: { region, calls, call: (call) => dispatcher.call(call), schedules: () => schedules.list(), leaseName },
  });
  const noAnswer = (milliseconds: number) => clock.kind === 'virtual' && invocations.stall(milliseconds);
  const apis = await openClusters(options, { region, faults, credentials, calls, listeners, noAnswer });
  const rates = ratesOf(world, clock);
  const dispatcher = new Dispatcher({ clock, calls, faults, ...(rates && { rates }) });
  const invocations = new Invocations({ clock, faults, host });
  const messaging = openMessaging({
    region,
    calls,
    dispatcher,
    endpoint: options.endpoint,
    findFunction: (name) => host.find(name),
    invoke: (name, event) => invocations.invoke(name, event),
  });
  const stepFunctions = openStepFunctions(options, {
    region,
    calls,
    faults,
    dispatcher,
    invocations,
    messaging,
    rates,
    installation,
  });
  const alarms = new Alarms(region);
  const services = { region, dispatcher, credentials, stepFunctions, faults, messaging, installation, alarms };
  const schedules = registerServices(options, services);
  const parts = { credentials, stepFunctions, messaging, schedules, alarms };
  const stateMachines = installation.install({ ...options, ...parts });
  return {
    region,
    dispatcher,
    credentials,
    faults,
    calls,
    stepFunctions,
    messaging,
    schedules,
    alarms,
    kubeconfig: kubeconfig(apis),
    stateMachines,
    state: () => reportState(region, { stepFunctions, schedules, faults, messaging, installation, rates }),
    close: async () => {
      clock.stop();
      await invocations.close();
      await Promise.all(apis.map((api) => api.close()));
      await Promise.all(
        [...region.clusters.values()].flatMap(({ nodes }) => nodes.map(({ machine }) => machine?.stop())),
      );
    },
  };
}

function emptyRegion(world: World, clock: Clock): Region {
  const { account, region: name, latencies } = world;
  return { account, name, clock, random: seededRandom(world.seed), latencies, clusters: new Map() };
}

/** The rates that the world asks for; its own take the place of the published ones. */
function ratesOf({ rates, region }: World, clock: Clock): Rates | undefined {
  if (!rates) return undefined;
  const { published, own } = rates;
  return new Rates(
    clock,
    [...(published ? publishedRates(region) : []), ...own],
    published ? publishedTransitions(region) : undefined,
  );
}

/** Step Functions whose executions meet the faults, and whose changes of status are put on the default bus. */
function openStepFunctions(
  { onBug }: RegionOptions,
  parts: {
    region: Region;
    calls: ApiCall[];
    faults: Faults;
    dispatcher: Dispatcher;
    invocations: Invocations;
    messaging: Messaging;
    rates: Rates | undefined;
    installation: Installation;
  },
): StepFunctions {
  const { region, calls, faults, dispatcher, invocations, messaging, rates, installation } = parts;
  const statusChanges = new StatusChanges({
    region,
    put: (event, milliseconds) => messaging.buses.put('default', event, milliseconds),
    fault: (status) => faults.event(status),
  });
  return new StepFunctions({
    region,
    invokeFunction: (name, payload, { principal }) => {
      const { functionName: FunctionName, version } = unqualified(name);
      const input = { FunctionName, ...(version !== '$LATEST' && { Qualifier: version }) };
      recordCall(calls, { at: region.clock.now(), service: 'lambda', operation: 'Invoke', principal, input });
      messaging.requireFunction(name);
      return invocations.invoke(name, payload);
    },
    callService: (call) => dispatcher.call(call),
    mayCall: installation.mayCall,
    publish: (topicArn, message, caller) => messaging.deliver(topicArn, message, caller),
    ...(rates && { transitionDelay: () => rates.transition() }),
    onStateEntered: (execution, state) => faults.stateEntered(execution, state),
    onStatusChange: (execution) => statusChanges.announce(execution),
    onBug: (error, execution) => onBug(new Error(`execution ${execution.name}`, { cause: error })),
  });
}

async function openClusters(
  { world, nodeMaking, endpoint }: RegionOptions,
  {
    region,
    faults,
    ...around
  }: { region: Region; faults: Faults } & Pick<ClusterSurroundings, 'credentials' | 'calls' | 'listeners' | 'noAnswer'>,
): Promise<RunningKubernetesApi[]> {
  const surroundings: ClusterSurroundings = {
    ...around,
    region,
    nodeMaking,
    intercept: async ({ operation }) => faults.intercept(operation),
    loseReply: (operation) => faults.reply('kubernetes', operation)(),
    stsHosts: () => hostsOf(endpoint),
  };
  const built = await Promise.all(world.clusters.map((described) => buildCluster(described, surroundings)));
  for (const { cluster } of built) region.clusters.set(cluster.name, cluster);
  return built.map(({ api }) => api);
}

/** The hosts that an EKS token may be signed for when the AWS CLI is pointed at the sandbox. */
function hostsOf(endpoint: string): string[] {
  const { host, port } = new URL(endpoint);
  return [host, `localhost:${port}`];
}

function registerServices(
  { world, host, nodeMaking, onBug }: RegionOptions,
  parts: {
    region: Region;
    dispatcher: Dispatcher;
    credentials: Credentials;
    stepFunctions: StepFunctions;
    faults: Faults;
    messaging: Messaging;
    installation: Installation;
    alarms: Alarms;
  },
): Schedules {
  const { region, dispatcher, credentials, stepFunctions, faults, messaging, installation, alarms } = parts;
  const { buckets, documents, documentPrefix } = installation;
  const schedules = new Schedules(region, fireTarget({ region, dispatcher, ...messaging }));
  const addonSchema = (version: string) => schemaWithModes(world.addonModes[version], version);
  dispatcher.register('eks', eksService(region, { addonSchema, addonEnding: () => faults.addonUpdate() }));
  dispatcher.register('ec2', ec2Service(region));
  const disturb: Disturb = (node, document) => faults.command(node, document);
  const installing = new Set([...nodeMaking.documents].filter(([, { installs }]) => installs).map(([name]) => name));
  const calendars = openCalendars(world.calendars, region.clock);
  dispatcher.register('ssm', ssmService(region, { documents, documentPrefix, installing, calendars, disturb }));
  dispatcher.register('s3', s3Service(region, { buckets }));
  dispatcher.register('sts', stsService({ account: world.account, credentials }));
  dispatcher.register('scheduler', schedulerService(region, schedules));
  dispatcher.register('lambda', lambdaService(region, host, messaging.invocations, onBug));
  dispatcher.register('states', stepFunctionsService(stepFunctions));
  dispatcher.register('monitoring', monitoringService(alarms));
  return schedules;
}

/** The built-in configuration schema with other modes, if the world has some. */
function schemaWithModes(modes: string[] | undefined, addonVersion: string): Record<string, unknown> | undefined {
  return modes && kubeProxySchema(addonVersion.replace(/^v(\d+\.\d+)\..*$/, '$1'), modes);
}
