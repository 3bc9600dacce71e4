import type { Settings } from '../functions/core/fleet/settings.ts';
import { NO_GUARDS } from '../functions/core/guards/alarms.ts';
import type { Window } from '../functions/core/window/window.ts';
import { parseConfig } from './config.ts';
import { namesIn } from './naming.ts';
import { synthesized } from './synthesized.ts';
import type { Resource, Template } from './template.ts';
import { inEveryPartition } from './workflow.ts';

/**
 * What a sandbox does by itself: little, so that a world stays as its file says. The target is IPVS, although the product
 * is shipped with nftables: worlds may have Kubernetes versions, network plugins and kernels that nftables mode refuses,
 * and programs that use the sandbox rely on the endings of these worlds.
 */
const SETTINGS: Settings = {
  target: { mode: 'ipvs', scheduler: 'rr' },
  window: 'weekend',
  acknowledge: ['ipvs-deprecated'],
  enrolment: 'tagged',
  newClusters: 'enforce',
  drift: 'migrate',
  stagger: { minutes: 10, atOnce: 5 },
  guards: NO_GUARDS,
  tolerate: 1,
};
/** Every world has windows of its own, which take the place of this one. */
const WINDOWS = {
  weekend: { schedule: 'cron(0 2 ? * SAT *)', timezone: 'UTC', durationHours: 4, cutoffHours: 1, changeCalendars: [] },
};

const { names } = namesIn({ partition: 'aws', region: '', account: '' });
const HEARD_OF = names.rule('execution-ended');

/** By state machine: a definition with placeholders in place of the product's. */
export type Definitions = Readonly<Record<string, string>>;

/**
 * The product's template for worlds of a sandbox, as a function of a world's windows, which reads `definitions` at each
 * call. Nothing but the end of an execution sets something in motion in these worlds: the other rules, the sweeps and the
 * alarms are left out. Throws what the synthesis throws.
 */
export async function sandboxTemplate(
  definitions: Definitions = {},
): Promise<(windows: Readonly<Record<string, Window>>) => Template> {
  const template = await synthesized(parseConfig({ windows: WINDOWS, settings: SETTINGS }));
  const quiet = quietened(template.Resources);
  return (windows) => ({
    ...template,
    Resources: withWindows(withDefinitions(quiet, definitions), JSON.stringify(windows)),
  });
}

type Resources = Template['Resources'];

function changed(resources: Resources, type: string, change: (resource: Resource) => Resource): Resources {
  return Object.fromEntries(
    Object.entries(resources).map(([id, resource]) => [id, resource.Type === type ? change(resource) : resource]),
  );
}

/** A permission goes with the rule that it lets in. */
function quietened(resources: Resources): Resources {
  const entries = Object.entries(resources);
  const gone = entries.filter(([, resource]) => setsInMotion(resource)).map(([id]) => id);
  const isFor = (resource: Resource) =>
    resource.Type === 'AWS::Lambda::Permission' && gone.some((id) => JSON.stringify(resource).includes(`"${id}"`));
  return Object.fromEntries(entries.filter(([id, resource]) => !gone.includes(id) && !isFor(resource)));
}

function setsInMotion({ Type, Properties }: Resource): boolean {
  if (Type === 'AWS::Events::Rule') return Properties['Name'] !== HEARD_OF;
  return Type === 'AWS::Scheduler::Schedule' || Type === 'AWS::CloudWatch::Alarm';
}

function withDefinitions(resources: Resources, definitions: Definitions): Resources {
  const byName = new Map(
    Object.entries(definitions).map(([name, text]) => [names.stateMachine(name), inEveryPartition(text)]),
  );
  return changed(resources, 'AWS::StepFunctions::StateMachine', (resource) => {
    const DefinitionString = byName.get(String(resource.Properties['StateMachineName']));
    return DefinitionString === undefined
      ? resource
      : { ...resource, Properties: { ...resource.Properties, DefinitionString } };
  });
}

function withWindows(resources: Resources, windows: string): Resources {
  return changed(resources, 'AWS::Lambda::Function', (resource) => {
    const { Variables }: { Variables?: Record<string, unknown> } = Object(resource.Properties['Environment']);
    if (Variables?.['NIGHTSHIFT_WINDOWS'] === undefined) return resource;
    const Environment = { Variables: { ...Variables, NIGHTSHIFT_WINDOWS: windows } };
    return { ...resource, Properties: { ...resource.Properties, Environment } };
  });
}
