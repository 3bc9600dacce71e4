import { parseConfiguration } from '../modes/addon-config.ts';
import { OWN_FIELDS, settingNames } from '../modes/index.ts';
import { named } from '../values/named.ts';
import { checkAgainstSchema } from './addon-schema.ts';
import { block, type Checks, type Finding, pass, refuse, type Subject, unknown, warn } from './check.ts';
import { capabilityNamed, ownerOf, reconcilerOf } from './owner.ts';
import { findDaemonSet } from './workloads.ts';

function addonPresent({ snapshot, way }: Subject): Finding {
  if (snapshot.addon !== null) return pass(`kube-proxy is the add-on ${snapshot.addon.version}`);
  switch (way) {
    case 'create-addon':
      return snapshot.offered === null
        ? refuse(
            `EKS offers no kube-proxy add-on for Kubernetes ${snapshot.version} that could adopt the self-managed one`,
            'Choose the way config-map.',
          )
        : pass(`kube-proxy is self-managed; the add-on ${snapshot.offered.version} adopts it, as the request chose`);
    case 'config-map':
      return pass('kube-proxy is self-managed; its ConfigMap is edited, as the request chose');
    default:
      return refuse(
        'kube-proxy is not an EKS add-on of this cluster, and the request does not say how to change a self-managed one',
        'Set selfManaged to create-addon (EKS adopts it) or config-map (kube-proxy-config is edited).',
      );
  }
}

function addonStatus({ snapshot: { addon } }: Subject): Finding | null {
  if (addon === null) return null;
  if (addon.status === 'ACTIVE') return pass('the add-on is ACTIVE');
  return block(`the kube-proxy add-on is ${addon.status}`, 'Bring the add-on to ACTIVE first.');
}

function addonIssues({ snapshot: { name, addon } }: Subject): Finding | null {
  if (addon === null) return null;
  if (addon.issues.length === 0) return pass('the add-on has no health issues');
  const why = `the kube-proxy add-on has health issues: ${named(addon.issues)}`;
  return block(why, `Solve them first: \`aws eks describe-addon --cluster-name ${name} --addon-name kube-proxy\`.`);
}

/** The beginning of a sentence on the tool that reconciles the DaemonSet or the ConfigMap; null if none is known. */
function reconciler({ workloads }: Subject): string | null {
  const sets = workloads?.daemonSets;
  const found = sets?.kind === 'read' ? findDaemonSet(sets.value, { name: 'kube-proxy' }) : undefined;
  const ofSet = found && reconcilerOf({ annotations: {}, managers: [], ...found });
  if (ofSet) return `${ofSet} reconciles the DaemonSet kube-proxy`;
  const ofMap = workloads?.configMapMarks && reconcilerOf(workloads.configMapMarks);
  return ofMap ? `${ofMap} reconciles the ConfigMap kube-proxy-config` : null;
}

/** Names the tool that owns the objects to be changed, because its next run would restore its own values. */
function addonOwner(subject: Subject): Finding {
  const { snapshot, way, request } = subject;
  const addon = ownerOf(snapshot.addon?.tags ?? {});
  const cluster = ownerOf(snapshot.tags);
  const fix = `Put ${settingNames(request.target)} into its definition of the kube-proxy add-on before its next run.`;
  if (addon !== null) return warn(`${addon} owns the kube-proxy add-on and would revert the change`, fix);
  const kubernetes = reconciler(subject);
  if (kubernetes !== null) return warn(`${kubernetes} and would revert the change`, fix);
  if (snapshot.capabilities === null)
    return unknown('whether EKS Capabilities, which revert changes, run in the cluster: EKS does not list them', fix);
  if (snapshot.capabilities.length > 0)
    return warn(
      `${named(snapshot.capabilities.map(capabilityNamed))} reconciles the resources that it owns; if it owns kube-proxy or its add-on, it would revert the change`,
      fix,
    );
  if (cluster === null)
    return pass('no tag names a CloudFormation stack, Terraform or another tool that owns the add-on');
  const what = way === 'addon' ? 'the add-on' : 'kube-proxy';
  return warn(`${cluster} owns the cluster; if it owns ${what} too, it would revert the change`, fix);
}

/** Keys of which a migration changes something. */
const MIGRATED = new Set(['mode', ...OWN_FIELDS.map(([section]) => section)]);

function configuration({ current, unreadable }: Subject): Finding | null {
  if (unreadable !== null)
    return block(
      unreadable,
      'Correct the configuration of kube-proxy first: nightshift must keep it, and restore it in a rollback.',
    );
  if (current === null) return null;
  const kept = Object.keys(current.values).filter((key) => !MIGRATED.has(key));
  const why = current.format === 'none' ? 'there are no configuration values' : `the values are ${current.format}`;
  return pass(kept.length === 0 ? why : `${why}; kept as they are: ${named(kept)}`);
}

function schemaMode({ snapshot, request, way }: Subject): Finding | null {
  const addon = snapshot.addon ?? (way === 'create-addon' ? snapshot.offered : null);
  if (addon === null) return null;
  const { supported, modes, problems } = checkAgainstSchema({ mode: request.target.mode }, addon.schema);
  const listed = modes.length > 0 ? `it lists ${modes.join(', ')}` : 'it lists no modes';
  if (supported) return pass(`the schema of add-on ${addon.version} has mode ${request.target.mode}`);
  const why = `the schema of add-on ${addon.version} has no mode ${request.target.mode}: ${problems[0] ?? listed}`;
  return refuse(
    why,
    'Update the add-on to a version whose schema lists the mode. No acknowledgement changes this: EKS would refuse the configuration.',
  );
}

function configurationSchema({ snapshot, way, configuration: text }: Subject): Finding | null {
  const addon = snapshot.addon ?? (way === 'create-addon' ? snapshot.offered : null);
  if (addon === null || text === null) return null;
  const { problems } = checkAgainstSchema(parseConfiguration(text).values, addon.schema);
  if (problems.length === 0) return pass('the merged configuration satisfies the live schema');
  return block(
    `the merged configuration breaks the live schema: ${named(problems)}`,
    'Correct the named configuration values first.',
  );
}

const EKS = 'https://docs.aws.amazon.com/eks/latest';

export const ADDON_CHECKS = {
  'addon-present': {
    source: `${EKS}/userguide/managing-kube-proxy.html`,
    acknowledgeable: false,
    changeOnly: false,
    find: addonPresent,
  },
  'addon-status': {
    source: `${EKS}/APIReference/API_Addon.html`,
    acknowledgeable: false,
    changeOnly: false,
    find: addonStatus,
  },
  'addon-issues': {
    source: `${EKS}/APIReference/API_AddonIssue.html`,
    acknowledgeable: false,
    changeOnly: false,
    find: addonIssues,
  },
  'addon-owner': {
    source: 'https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html',
    acknowledgeable: true,
    changeOnly: true,
    find: addonOwner,
  },
  configuration: {
    source: `${EKS}/userguide/updating-an-add-on.html`,
    acknowledgeable: false,
    changeOnly: false,
    find: configuration,
  },
  'schema-mode': {
    source: `${EKS}/APIReference/API_DescribeAddonConfiguration.html`,
    acknowledgeable: false,
    changeOnly: true,
    find: schemaMode,
  },
  'configuration-schema': {
    source: `${EKS}/APIReference/API_DescribeAddonConfiguration.html`,
    acknowledgeable: false,
    changeOnly: true,
    find: configurationSchema,
  },
} satisfies Checks;
