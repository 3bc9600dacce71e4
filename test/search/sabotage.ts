import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type fc from 'fast-check';
import { z } from 'zod';
import { bundleFunctions } from '../../build.ts';
import type { NightshiftOptions } from '../../cli/start-sandbox.ts';
import type { Template } from '../../infra/template.ts';
import { readDefinition } from '../../state-machines/definitions.ts';
import { configuredTemplate, withoutRight } from '../infra/roles.ts';
import type { Case } from './case.ts';
import { anyCase } from './draw.ts';

/** One guard of the product taken away, and the runs that would show it soonest. */
export interface Sabotage<Drawn = Case> {
  /** What the product then does, in words. */
  readonly what: string;
  /** The rule that must find it: the beginning of its name. */
  readonly breaks: readonly string[];
  /** Draws that reach the guard; still whole executions with everything else drawn. */
  readonly draw: fc.Arbitrary<Drawn>;
  /** Exact pieces of source, which must be there once, and what stands there instead. */
  readonly sources?: readonly { file: string; from: string; to: string }[];
  readonly definitions?: Readonly<Record<string, (states: States) => void>>;
  /** A right that is taken from the role of this function or state machine. */
  readonly right?: { role: string; action: string };
}

/** What a search runs with in place of the product's own. */
export type Sabotaged = Pick<NightshiftOptions, 'bundles' | 'definitions'> & {
  /** The template with whose roles all calls are compared. */
  readonly rights?: Template;
};

const State = z.looseObject({});
export type States = Record<string, z.infer<typeof State>>;
const Definition = z.looseObject({ States: z.record(z.string(), State) });

/** Takes a member of a state away or replaces it; throws when the state is no more: a sabotage must not do nothing. */
export function change(states: States, name: string, members: Record<string, unknown>): void {
  const state = states[name];
  if (!state) throw new Error(`sabotage: there is no state ${name} any more`);
  const missing = Object.keys(members).filter((member) => !(member in state));
  if (missing.length > 0) throw new Error(`sabotage: state ${name} has no ${missing.join(', ')} any more`);
  Object.assign(state, members);
}

const LOST = { on: { service: 'lambda', operation: 'Invoke', function: 'nightshift-update-addon' }, lostReply: true };

const biased = (change: (drawn: Case) => Case): fc.Arbitrary<Case> => anyCase.map(change);

/** The drawn target if it is IPVS, or IPVS with a scheduler that every kernel has. */
function onIpvs(request: Case['requests'][number] | undefined): { mode: 'ipvs'; scheduler: string } {
  return request?.target.mode === 'ipvs' ? request.target : { mode: 'ipvs', scheduler: 'rr' };
}

/** The drawn case with a cluster that is certainly migrated: what else was drawn of it stays. */
function migratable({ world, requests, faults }: Case, more: { window?: string; faults?: Case['faults'] } = {}): Case {
  const [cluster] = world.clusters;
  const [request] = requests;
  if (!cluster || !request) throw new Error('a case has a cluster and a request');
  const { window: _window, now: _now, strategy: _strategy, ...rest } = request;
  const { publicAccessCidrs: _cidrs, remoteNodeNetworks: _networks, ...reached } = cluster;
  const configuration = '{"mode":"iptables","podLabels":{"team":"net"}}';
  return {
    world: {
      ...world,
      clusters: [
        {
          ...reached,
          ...{
            version: '1.34',
            endpoint: 'public',
            authenticationMode: 'API',
            services: 8,
            servicesWithoutEndpoints: 2,
          },
          addon: { version: 'v1.34.1-eksbuild.2', configuration },
          nodeGroups: [{ os: 'al2023', count: 2 }],
        },
      ],
    },
    requests: [
      {
        ...rest,
        target: onIpvs(request),
        ...(more.window === undefined ? { now: { reason: 'a drill' } } : { window: more.window }),
      },
    ],
    faults: more.faults ?? faults,
  };
}

const MIGRATE = { machine: 'nightshift-migrate-cluster' };
const ROLLBACK = { machine: 'nightshift-rollback-cluster' };
const byOther = (configuration: string) => ({ other: 'change-addon', configuration });

/** Longer than what is left of the window, shorter than the lease. */
const LATE = { at: 'AwaitPreparation', clock: 'skip', hours: 1 };

export const SABOTAGES: Readonly<Record<string, Sabotage>> = {
  'window re-check': {
    what: 'starts the change although the preparation has used up the window',
    breaks: ['nothing disruptive'],
    draw: biased((drawn) => {
      const inTheWindow = { ...drawn, world: { ...drawn.world, start: '2026-11-21T00:40:00.000Z' } };
      return migratable(inTheWindow, { window: 'nightly', faults: [LATE] });
    }),
    definitions: {
      'migrate-cluster': (states) => change(states, 'ChooseWindowBeforeChange', { Choices: NEVER('ChooseWait') }),
    },
  },
  'set equality': {
    what: 'accepts a proof in which some nodes did not answer',
    breaks: ['only verdicts', 'an ended execution'],
    draw: biased((drawn) =>
      migratable(drawn, { faults: [{ at: 'ValidateNodes', node: 0, fault: 'output-garbage', times: 4 }] }),
    ),
    sources: [
      {
        file: 'functions/handlers/collect-from-nodes.ts',
        from: 'if (failed.length > 0 && !input.survey) throw failure(',
        to: 'if (failed.length > 0 && counts.passed === 0) throw failure(',
      },
    ],
  },
  merge: {
    what: "sends only the target, without the user's own values",
    breaks: ["the user's configuration"],
    draw: biased((drawn) => migratable(drawn)),
    sources: [
      {
        file: 'functions/core/modes/addon-config.ts',
        from: 'JSON.stringify(fields.reduce(withField, current.values))',
        to: 'JSON.stringify(fields.reduce(withField, {}))',
      },
    ],
  },
  lease: {
    what: 'goes on although another execution holds the lease, and never checks it',
    breaks: [
      'one change at a time',
      'an ended execution',
      'history and evidence',
      "the user's configuration",
      'only verdicts',
    ],
    draw: biased((drawn) => migratable(drawn, { faults: [{ at: 'AwaitPreparation', execution: 'duplicate' }] })),
    definitions: {
      'migrate-cluster': (states) => {
        change(states, 'AcquireLease', { Retry: [], Catch: [{ ErrorEquals: ['States.ALL'], Next: 'ChooseAccess' }] });
      },
    },
    // Every function that changes a node or a cluster asks for the lease, too.
    sources: [
      {
        file: 'functions/handlers/shared/require-lease.ts',
        from: 'if (holder === execution.arn) return;',
        to: 'if (holder !== undefined) return;',
      },
    ],
  },
  'clean-up': {
    what: 'does not clean the leftovers of the other mode on the nodes',
    breaks: ['an ended execution'],
    draw: biased((drawn) => migratable(drawn, { faults: [] })),
    definitions: {
      'migrate-cluster': (states) => change(states, 'ChooseValidation', { Choices: [DONE('Proven')] }),
    },
  },
  'replay token': {
    what: 'gives every UpdateAddon a token of its own',
    breaks: ['one change at a time'],
    draw: biased((drawn) => migratable(drawn, { faults: [LOST] })),
    sources: [
      {
        file: 'functions/handlers/update-addon.ts',
        from: '=> `${execution.arn}/${step}`;',
        to: '=> `${execution.arn}/${step}/${process.hrtime.bigint()}`;',
      },
    ],
  },
  evidence: {
    what: 'stores only the verdicts of failed nodes',
    breaks: ['history and evidence', 'only verdicts'],
    draw: biased((drawn) => migratable(drawn, { faults: [] })),
    sources: [
      {
        file: 'functions/handlers/shared/evidence.ts',
        from: 'return store.put(key, printEvidence(verdicts));',
        to: 'return store.put(key, printEvidence(verdicts.filter(({ pass }) => !pass)));',
      },
    ],
  },
  rights: {
    what: 'changes the add-on without the permission',
    breaks: ['no role is exceeded: nightshift-update-addon-us-east-1 called eks.UpdateAddon without eks:UpdateAddon'],
    draw: biased((drawn) => migratable(drawn, { faults: [] })),
    right: { role: 'update-addon', action: 'eks:UpdateAddon' },
  },
  're-read': {
    what: 'sends a change that is based on an old inspection',
    breaks: ['nothing of others', "the user's configuration"],
    draw: biased((drawn) =>
      migratable(drawn, { faults: [{ at: 'PrepareNodes', ...byOther('{"podLabels":{"team":"b"}}') }] }),
    ),
    sources: [
      {
        file: 'functions/handlers/update-addon.ts',
        from: 'if (difference === null) return;',
        to: 'if (difference !== undefined) return;',
      },
      {
        file: 'functions/handlers/check-configuration.ts',
        from: 'return differenceFrom(ask, now) ?? unsettled(now);',
        to: 'return null;',
      },
    ],
  },
  confirmation: {
    what: 'does not check the mode with which the next pod starts',
    breaks: ['the next pod starts the same'],
    draw: biased((drawn) =>
      migratable(drawn, { faults: [{ at: 'ValidateNodes', ...byOther('{"podLabels":{"team":"b"}}') }] }),
    ),
    sources: [
      {
        file: 'functions/handlers/check-configuration.ts',
        from: 'return notConfiguredFor(ask.proxying, ask.way, now, ask.values ?? ask.proxying);',
        to: 'return null;',
      },
    ],
  },
  'lost lease': {
    what: 'goes on although another execution has taken its lease',
    breaks: ['nothing of others'],
    draw: biased((drawn) => migratable(drawn, { faults: [{ at: 'AwaitAddon', other: 'take-lease', hours: 6 }] })),
    sources: [
      {
        file: 'functions/handlers/shared/require-lease.ts',
        from: 'if (holder === execution.arn) return;',
        to: 'if (holder !== undefined) return;',
      },
    ],
  },
  'release of a lease': {
    what: 'deletes a lease that another execution holds',
    breaks: ['nothing of others'],
    draw: biased((drawn) => migratable(drawn, { faults: [{ at: 'RecordOutcome', other: 'take-lease', hours: 6 }] })),
    definitions: {
      'migrate-cluster': (states) => change(states, 'ChooseLeaseOwner', { Default: 'ReleaseLease' }),
    },
  },
  'last recovery': {
    what: 'starts one recovery after the other',
    breaks: ['everything ends'],
    draw: biased((drawn) =>
      migratable(drawn, {
        faults: [
          { at: 'AwaitRollout', execution: 'abort' },
          // Each strikes another recovery: the first one ends at the first of these states, the next one at the second.
          ...['Begin', 'ChooseInput', 'ReadInput', 'ChooseMode', 'StopOwner', 'InspectFormer'].map((state) => ({
            ...ROLLBACK,
            at: state,
            execution: 'abort',
          })),
        ],
      }),
    ),
    sources: [
      {
        file: 'functions/core/execution/recovery.ts',
        from: 'export const MOST_ATTEMPTS = 3;',
        to: 'export const MOST_ATTEMPTS = 30;',
      },
    ],
  },
  restore: {
    what: 'restores the former text over a later change by another principal',
    breaks: ['nothing of others', "the user's configuration"],
    draw: biased((drawn) => {
      const { scheduler } = onIpvs(drawn.requests[0]);
      const labelled = JSON.stringify({ mode: 'ipvs', ipvs: { scheduler }, podLabels: { team: 'b' } });
      return migratable(drawn, {
        faults: [
          { at: 'RestartDaemonSet', node: 0, fault: 'kube-proxy-crash', mode: 'ipvs', times: 20 },
          { at: 'AwaitRollout', ...byOther(labelled) },
        ],
      });
    }),
    sources: [
      {
        file: 'functions/core/execution/restore.ts',
        from: 'if (now === sent || textOf(now) === exact.text) return exact;',
        to: 'if (now !== undefined) return exact;',
      },
    ],
  },
  'evidence as a condition': {
    what: 'does not roll back while the bucket accepts no object',
    breaks: ['everything ends', 'an ended execution'],
    draw: biased((drawn) =>
      migratable(drawn, { faults: [{ at: 'RestartDaemonSet', outage: 's3', operation: 'PutObject' }] }),
    ),
    sources: [
      {
        file: 'functions/handlers/shared/store-or-carry.ts',
        from: "if (evidence === 'required') throw error;",
        to: 'if (evidence !== undefined) throw error;',
      },
    ],
  },
  'not before': {
    what: 'begins before the requested moment',
    breaks: ['what is accepted is obeyed'],
    draw: biased((drawn) => {
      const { world, requests, faults } = migratable(drawn, { faults: [] });
      const notBefore = new Date(Date.parse(world.start) + 7_200_000).toISOString();
      return { world, requests: requests.map((request) => ({ ...request, notBefore })), faults };
    }),
    definitions: {
      'migrate-cluster': (states) => change(states, 'ChooseWhenToBegin', { Choices: NEVER('AwaitBeginning') }),
    },
  },
  'lowered version': {
    what: 'downgrades an add-on that another principal has upgraded',
    breaks: ['nothing of others'],
    draw: biased((drawn) => {
      const { world, requests, faults } = migratable(drawn, {
        faults: [{ at: 'PrepareNodes', other: 'upgrade-addon' }],
      });
      const clusters = world.clusters.map((cluster) => ({
        ...cluster,
        addon: { version: 'v1.34.0-eksbuild.2', configuration: null },
      }));
      // Where the ConfigMap is read as well, that the upgrade wrote it anew tells the same.
      const unseen = requests.map((request) => ({
        ...request,
        strategy: 'pod-annotations',
        acknowledge: ['unlisted-nodes'],
      }));
      return { world: { ...world, clusters }, requests: unseen, faults };
    }),
    sources: [
      {
        file: 'functions/core/modes/configured.ts',
        from: 'if (now.version !== looked.version) return',
        to: 'if (now.version === undefined) return',
      },
    ],
  },
  'access entry': {
    what: 'deletes an access entry that another principal has made in place of its own',
    breaks: ['nothing of others'],
    draw: biased((drawn) => migratable(drawn, { faults: [{ at: 'ReadAccess', other: 'replace-access-entry' }] })),
    definitions: {
      'migrate-cluster': (states) => change(states, 'ChooseAccessOwner', { Default: 'RevokeAccess' }),
    },
  },
  'settling grant': {
    what: 'reads a cluster as empty while its grant has not taken effect',
    breaks: ['what is not understood fails'],
    draw: biased((drawn) => {
      const { world, requests, faults } = migratable(drawn, { faults: [] });
      return { world: { ...world, grantSeconds: 45 }, requests, faults };
    }),
    sources: [
      {
        file: 'functions/aws/kubernetes/workloads.ts',
        from: 'if (hasCode(error, 403) && !GRANTED[part])',
        to: 'if (hasCode(error, 403) && part in GRANTED)',
      },
    ],
  },
  'servers of others': {
    what: 'changes a cluster with foreign virtual servers on its nodes, without acknowledgement',
    breaks: ['virtual servers of others'],
    draw: biased((drawn) => {
      const { world, requests, faults } = migratable(drawn, { faults: [] });
      const nodeGroups = [{ os: 'al2023' as const, count: 2, foreignVirtualServers: ['tcp/10.0.0.5:80', 'fwm/7'] }];
      const clusters = world.clusters.map((cluster) => ({ ...cluster, nodeGroups }));
      return {
        world: { ...world, clusters },
        requests: requests.map((request) => ({ ...request, acknowledge: [] })),
        faults,
      };
    }),
    sources: [
      {
        file: 'functions/core/modes/ipvs-preparation.ts',
        from: 'if (lost !== null && foreignAccepted) warnings.push(',
        to: 'if (lost !== null) warnings.push(',
      },
    ],
  },
  'window after the canary': {
    what: 'restarts all nodes although the canary has outlasted the window',
    breaks: ['nothing disruptive'],
    draw: biased((drawn) => {
      const inTheWindow = { ...drawn, world: { ...drawn.world, start: '2026-11-21T04:00:00.000Z' } };
      return migratable(inTheWindow, {
        window: 'brief',
        faults: [{ at: 'AwaitCanaryProof', clock: 'skip', hours: 1 }],
      });
    }),
    definitions: {
      'migrate-cluster': (states) => change(states, 'ChooseWindowBeforeRestart', { Default: 'RestartDaemonSet' }),
    },
  },
  'window before the canary': {
    what: 'restarts the canary although the update of the add-on has outlasted the window',
    breaks: ['nothing disruptive'],
    draw: biased((drawn) => {
      const inTheWindow = { ...drawn, world: { ...drawn.world, start: '2026-11-21T04:00:00.000Z' } };
      return migratable(inTheWindow, { window: 'brief', faults: [{ at: 'AwaitAddon', clock: 'skip', hours: 1 }] });
    }),
    definitions: {
      'migrate-cluster': (states) => change(states, 'ChooseWindowBeforeCanary', { Default: 'RestartCanary' }),
    },
  },
  'one page': {
    what: 'pages twice for one incident',
    breaks: ['everything ends'],
    draw: biased((drawn) =>
      migratable(drawn, {
        faults: [
          { at: 'InspectCluster', ...MIGRATE, after: 2, outage: 'scheduler', for: 10_800 },
          { at: 'GrantAccess', ...MIGRATE, execution: 'abort' },
        ],
      }),
    ),
    sources: [
      {
        file: 'functions/handlers/shared/incident.ts',
        from: '    paged: looks.some(({ paged }) => paged),',
        to: '    paged: false,',
      },
      {
        file: 'functions/handlers/shared/incident.ts',
        from: 'ending: looks.slice(0, recovered.length).find(({ ending }) => ending !== null)?.ending ?? null,',
        to: 'ending: null,',
      },
    ],
  },
  'proof without a restart': {
    what: 'accepts the mode of a node as proof of its scheduler',
    breaks: ['an ended execution'],
    draw: biased((drawn) =>
      ofBottlerocket(migratable(drawn, { faults: [{ at: 'RestartDaemonSet', ...MIGRATE, execution: 'abort' }] })),
    ),
    sources: [
      {
        file: 'functions/handlers/inspect-rollback.ts',
        from: 'standingProvable: counts.proxyMode === 0 || restored.proxying.mode !== former.target.mode,',
        to: 'standingProvable: true,',
      },
    ],
  },
  'lost answer': {
    what: 'mistakes its own change, whose answer was lost, for the change of another principal',
    breaks: ['an ended execution', 'history and evidence', "the user's configuration", 'the next pod'],
    draw: biased((drawn) => {
      const { world, requests } = migratable(drawn);
      const faults = [
        { at: 'UpdateAddon', ...LOST },
        { at: 'UpdateAddon', other: 'upgrade-addon', after: 0.5 },
        { at: 'RestartDaemonSet', node: 0, fault: 'kube-proxy-crash', mode: 'ipvs', times: 20 },
      ];
      const addon = { version: 'v1.34.0-eksbuild.2', configuration: null };
      const clusters = world.clusters.map((cluster) => ({ ...cluster, addon }));
      return { world: { ...world, addonUpdateSeconds: 0.1, clusters }, requests, faults };
    }),
    sources: [
      {
        file: 'functions/handlers/update-addon.ts',
        from: 'if (retries === 0) throw new ConfigurationChanged(',
        to: 'if (retries >= 0) throw new ConfigurationChanged(',
      },
    ],
  },
  'unlisted nodes': {
    what: 'accepts the nodes that EC2 lists as all nodes, although Kubernetes cannot be asked',
    breaks: ['only verdicts', 'an ended execution'],
    draw: biased((drawn) => {
      const { world, requests } = migratable(drawn);
      const nodeGroups = [
        { os: 'al2023' as const, count: 2 },
        { os: 'al2023' as const, count: 1, startedBy: 'person' as const },
      ];
      return {
        world: { ...world, clusters: world.clusters.map((cluster) => ({ ...cluster, nodeGroups })) },
        requests: requests.map((request) => ({ ...request, strategy: 'pod-annotations', acknowledge: [] })),
        faults: [],
      };
    }),
    sources: [
      { file: 'functions/core/preflight/nodes.ts', from: 'find: unlistedNodes,', to: "find: () => pass('not asked')," },
    ],
  },
  'edits of the ConfigMap': {
    what: 'overwrites edits of the ConfigMap without acknowledgement',
    breaks: ['nothing of others'],
    draw: biased((drawn) => {
      const { world, requests } = migratable(drawn);
      const edited = { workloads: { configMapEdits: { 'conntrack.maxPerCore': 0 } } };
      return {
        world: { ...world, clusters: world.clusters.map((cluster) => ({ ...cluster, ...edited })) },
        requests: requests.map(({ strategy: _strategy, ...request }) => ({ ...request, acknowledge: [] })),
        faults: [],
      };
    }),
    sources: [
      {
        file: 'functions/core/preflight/config-map.ts',
        from: 'if (fields.length === 0) return pass(',
        to: 'if (fields.length >= 0) return pass(',
      },
    ],
  },
  'trusts /proxyMode': {
    what: 'accepts what /proxyMode answers as proof of a node that only the API server asks',
    breaks: ['an ended execution'],
    draw: biased((drawn) => ofNftables(migratable(drawn, { faults: [UNSYNCED] }))),
    sources: [
      {
        file: 'functions/handlers/shared/verdicts.ts',
        from: 'const reasons = problemsOfSyncs(proxying.mode, syncs);',
        to: 'const reasons: string[] = [];',
      },
    ],
  },
  'zero-writes': {
    what: 'migrates a cluster that is already at the target',
    breaks: ['already compliant'],
    draw: biased((drawn) => atTarget(migratable(drawn, { faults: [] }))),
    sources: [
      {
        file: 'functions/core/preflight/plan.ts',
        from: "const compliant = configured === 'yes' && others.length === 0 && sight.refuted !== true;",
        to: 'const compliant = false;',
      },
    ],
  },
};

const NEVER = (Next: string) => [{ Condition: '{% false %}', Next }];
const DONE = (Next: string) => ({ Condition: '{% $collected.done %}', Next });

function atTarget(drawn: Case): Case {
  const [request] = drawn.requests;
  const { scheduler } = onIpvs(request);
  const configuration = JSON.stringify({ mode: 'ipvs', ipvs: { scheduler } });
  const clusters = drawn.world.clusters.map((cluster) => ({
    ...cluster,
    addon: { version: 'v1.34.1-eksbuild.2', configuration },
  }));
  return { ...drawn, world: { ...drawn.world, clusters } };
}

/** Nodes that tell their mode and no scheduler, on IPVS with another scheduler than the one that is asked for. */
const UNSYNCED = { node: 'all', fault: 'syncs-fail', times: 'every', mode: 'nftables' };

/** Bottlerocket on Kubernetes 1.36, from iptables to nftables. */
function ofNftables(drawn: Case): Case {
  const clusters = drawn.world.clusters.map((cluster) => ({
    ...cluster,
    version: '1.36',
    nodeGroups: [{ os: 'bottlerocket' as const, count: 2 }],
    addon: { version: 'v1.36.0-eksbuild.2', configuration: null },
  }));
  const requests = drawn.requests.map((request) => ({ ...request, target: { mode: 'nftables' } as const }));
  return { ...drawn, world: { ...drawn.world, clusters }, requests };
}

function ofBottlerocket(drawn: Case): Case {
  const configuration = '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}';
  return {
    ...drawn,
    world: {
      ...drawn.world,
      clusters: drawn.world.clusters.map((cluster) => ({
        ...cluster,
        nodeGroups: [{ os: 'bottlerocket' as const, count: 2 }],
        addon: { version: 'v1.34.1-eksbuild.2', configuration },
      })),
    },
    requests: drawn.requests.map((request) => ({ ...request, target: { mode: 'ipvs', scheduler: 'wrr' } as const })),
  };
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Folders with bundles of sabotaged products: all are removed at the end, by one listener. */
const FOLDERS: string[] = [];

function removeFolders(): void {
  for (const folder of FOLDERS) rmSync(folder, { recursive: true, force: true });
}

/**
 * The product without this guard: its bundles, built into a temporary folder, its definitions and its rights. Nothing of
 * it is written beside the product. Throws when a piece of source is not there exactly once any more, or a right.
 */
export async function deploySabotaged({
  sources = [],
  definitions = {},
  right,
}: Omit<Sabotage, 'draw'>): Promise<Sabotaged> {
  const patched = Object.entries(definitions).map(([name, patch]): [string, string] => {
    const definition = Definition.parse(JSON.parse(readDefinition(name)));
    patch(definition.States);
    return [name, JSON.stringify(definition)];
  });
  const deployed = {
    definitions: Object.fromEntries(patched),
    ...(right && { rights: withoutRight(await configuredTemplate(), right.role, right.action) }),
  };
  if (sources.length === 0) return deployed;
  const folder = mkdtempSync(join(tmpdir(), 'nightshift-sabotage-'));
  if (FOLDERS.push(folder) === 1) process.once('exit', removeFolders);
  return { ...deployed, bundles: await bundleFunctions(folder, replacements(sources)) };
}

/** Absolute path → whole text with the pieces replaced. */
function replacements(sources: NonNullable<Sabotage['sources']>): Map<string, string> {
  const texts = new Map<string, string>();
  for (const { file, from, to } of sources) {
    const path = join(ROOT, file);
    const text = texts.get(path) ?? readFileSync(path, 'utf8');
    const found = text.split(from).length - 1;
    if (found !== 1) throw new Error(`sabotage: ${file} has ${found} times what is to be replaced: ${from}`);
    texts.set(
      path,
      text.replace(from, () => to),
    );
  }
  return texts;
}
