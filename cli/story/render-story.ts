import { endWithName, oneLine } from '../exit.ts';
import { count, showCounts, showDuration, showTarget, showTime } from '../terminal/format.ts';
import type { Style } from '../terminal/style.ts';
import { table } from '../terminal/table.ts';
import { effectSentence } from './effect.ts';
import type { NodeRecord } from './parts.ts';
import { isProof, isSettled } from './parts.ts';
import { renderRisks } from './render-checks.ts';
import { phaseLines } from './render-phases.ts';
import { heldOf, modesOf, renderFailure, renderRollbacks } from './render-rollback.ts';
import type { Story } from './story-type.ts';

/** How many passed nodes a table lists before it counts the rest. Failed nodes are all listed. */
const LISTED = 20;

/** The story as text for people. Text from nodes and requests is made harmless to a terminal. */
export function renderStory(story: Story, style: Style): string {
  return together([
    alarms(story, style),
    head(story, style),
    renderRisks(story.plan?.checks ?? [], style),
    renderFailure(story.machine === 'migrate-cluster' ? story.failure : null, style),
    phases(story, style),
    renderRollbacks(story, style),
    afterwards(story, style),
    ...byExecution(story).map(([title, records]) => nodes(records, style, title)),
    failures(story.nodes, style),
    evidence(story, style),
    absent(story, style),
    ending(story, style),
  ]);
}

/** The story in few lines, for the end of a demo: phases, last verdicts, the output of one node, the ending. */
export function renderShortStory(story: Story, style: Style): string {
  const last = new Map(story.nodes.filter(({ step }) => isProof(step)).map((node) => [node.node, node]));
  const proof = [...last.values()];
  return together([
    alarms(story, style),
    renderFailure(story.failure, style),
    phases(story, style),
    nodes(proof, style),
    example(proof, style),
    ending(story, style),
  ]);
}

function together(sections: readonly string[][]): string {
  return sections
    .filter((section) => section.length > 0)
    .map((section) => section.join('\n'))
    .join('\n\n');
}

/** The verdicts of the execution itself come first, then those of its rollbacks and recoveries. */
function byExecution(story: Story): [string, NodeRecord[]][] {
  const own = story.execution.name;
  const groups = Map.groupBy(story.nodes, ({ execution }) => execution);
  return [...groups]
    .toSorted(([one], [other]) => Number(other === own) - Number(one === own))
    .map(([name, records]) => [name === own ? '' : ` in ${name}`, records]);
}

function alarms(story: Story, style: Style): string[] {
  return story.alarms.map((alarm) => style.bad(`EVIDENCE DOES NOT MATCH: ${oneLine(alarm)}`));
}

function head(story: Story, style: Style): string[] {
  const { execution, request, cluster, inventory, change, plan } = story;
  const rows: [string, string | null][] = [
    ['Execution', execution.arn],
    ...ownerRows(story),
    ['Status', statusLine(story)],
    ['Asked by', request ? (request.requestedBy ?? 'not named') : null],
    ['Asked for', request ? `${request.cluster} to ${showTarget(request.target)}, ${when(request)}` : null],
    ['Cluster', cluster ? clusterLine(cluster) : null],
    ['Nodes', inventory ? showCounts(inventory) : null],
    ['Plan', plan ? `${plan.kind}${plan.reasons.length > 0 ? `: ${plan.reasons.join(' ')}` : ''}` : null],
    ['Add-on', change?.addonVersion ?? null],
    ...changeRows(change),
    ['Accepted', request?.acknowledge?.join(', ') || null],
  ];
  return rows
    .filter((row): row is [string, string] => row[1] !== null)
    .map(([label, value]) => `${style.bold(label.padEnd(10))} ${oneLine(value)}`);
}

/** For a rollback: the migration whose change it undoes. */
function ownerRows({ machine, rollbacks: [rollback] }: Story): [string, string | null][] {
  if (machine !== 'rollback-cluster' || !rollback) return [];
  return [
    ['Undoes', rollback.owner?.arn ?? null],
    ['Cluster', rollback.cluster],
    ['Because', rollback.reason],
  ];
}

function changeRows(change: Story['change']): [string, string | null][] {
  if (!change) return [];
  if (change.way === 'config-map')
    return [['ConfigMap', change.configMap ? 'kube-proxy-config was written' : 'kube-proxy-config was so already']];
  return [
    ['Before', change.way === 'create-addon' ? 'no add-on' : (change.from ?? 'no configuration values')],
    ['After', change.to ?? 'not in the history'],
    ['Update', change.updateId],
  ];
}

/** The modes, the add-on, what the change was worth, the access and the lease after the end. */
function afterwards(story: Story, style: Style): string[] {
  const settled = isSettled(story);
  const rows = [
    ['Nodes', story.rollbacks.length > 0 ? (modesOf(story.modes) ?? 'no node has reported what it runs now') : null],
    ['Add-on', addonOf(story.addon)],
    ['Guard', story.guard?.reason ?? null],
    ['Effect', story.effect && effectSentence(story.effect)],
    ['Access', heldOf(story.access, settled)],
    ['Lease', heldOf(story.lease, settled)],
  ] as const;
  const told = rows.flatMap(([label, value]) =>
    value === null ? [] : [`  ${style.bold(label.padEnd(10))} ${oneLine(value)}`],
  );
  return told.length === 0 ? [] : [style.bold(settled ? 'Afterwards' : 'So far'), ...told];
}

/** Only for an add-on with health issues: the nodes have passed their proof all the same. */
function addonOf(addon: Story['addon']): string | null {
  if (!addon || (addon.status === 'ACTIVE' && addon.issues.length === 0)) return null;
  return `${addon.version} is ${addon.status}${addon.issues.map((issue) => `; ${issue}`).join('')}`;
}

function when(request: NonNullable<Story['request']>): string {
  if (request.now) return `at once, because: ${request.now.reason}`;
  return request.window ? `in the window ${request.window}` : "in the cluster's own window";
}

function statusLine({ execution }: Story): string {
  const { status, startedAt, endedAt, seconds } = execution;
  const times = startedAt ? `, started ${showTime(new Date(startedAt))}` : '';
  const end =
    endedAt && seconds !== null ? `, ended ${showTime(new Date(endedAt))} after ${showDuration(seconds)}` : '';
  return `${status}${times}${end}`;
}

function clusterLine(cluster: NonNullable<Story['cluster']>): string {
  const { name, version, serviceCidr, apiServer, dns } = cluster;
  return [
    name,
    version && `Kubernetes ${version}`,
    serviceCidr && `service CIDR ${serviceCidr}`,
    apiServer && `API server ${apiServer}`,
    dns && `DNS ${dns}`,
  ]
    .filter((part) => typeof part === 'string' && part !== '')
    .join(', ');
}

function phases(story: Story, style: Style): string[] {
  if (story.phases.length === 0) return [];
  return [style.bold('What happened'), ...story.phases.flatMap((phase) => phaseLines(phase, style))];
}

function nodes(records: readonly NodeRecord[], style: Style, of = ''): string[] {
  if (records.length === 0) return [];
  const failed = records.filter((node) => !node.pass);
  const passed = records.filter((node) => node.pass);
  const listed = [...failed, ...passed.slice(0, LISTED)];
  const rows = listed.map((node) => [node.step, node.node, node.name, node.pass ? 'pass' : 'FAIL', factsOf(node)]);
  const lines = table([['step', 'node', 'name', 'verdict', 'facts'], ...rows]);
  const more = passed.length - LISTED;
  return [
    style.bold(`${count(records.length, 'verdict')}${of}: ${passed.length} pass, ${failed.length} fail`),
    ...lines.map((line) => `  ${line}`),
    ...(more > 0 ? [`  … and ${count(more, 'verdict')} more that passed (--format json lists all)`] : []),
  ];
}

/** The facts that decide, in the order of the validate document's output. */
const SHOWN_FACTS = [
  'proxyMode',
  'virtualServers',
  'rejectRules',
  'source',
  'scheduler',
  'ipvsadm',
  'loaded',
  'syncMicros',
  'connectMicros',
];

function factsOf(node: NodeRecord): string {
  return SHOWN_FACTS.flatMap((name) => {
    const value = node.facts[name];
    return value === undefined || value === '' ? [] : [`${name}=${shorten(String(value))}`];
  }).join(' ');
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 37)}…` : text;
}

function failures(records: readonly NodeRecord[], style: Style): string[] {
  return records
    .filter((node) => !node.pass)
    .flatMap((node) => [
      style.bad(`${oneLine(node.name)} (${oneLine(node.node)}) failed ${oneLine(node.step)}`),
      ...node.reasons.map((reason) => `  ${oneLine(reason)}`),
      ...excerptLines(node, style),
    ]);
}

function example(records: readonly NodeRecord[], style: Style): string[] {
  const node = records.find((each) => each.excerpt !== '');
  return node ? [style.bold(`What ${oneLine(node.name)} showed`), ...excerptLines(node, style)] : [];
}

function excerptLines(node: NodeRecord, style: Style): string[] {
  if (node.excerpt === '') return ['  no excerpt'];
  return node.excerpt.split('\n').map((line) => `  | ${style.dim(harmless(line))}`);
}

function evidence(story: Story, style: Style): string[] {
  if (story.evidence.length === 0) return [];
  const rows = story.evidence.map((each) => {
    if (each.state === 'verified') return `  verified  ${each.key}  ${each.bytes} bytes  sha256 ${each.sha256}`;
    if (each.state === 'absent') return style.bad(`  ABSENT    ${each.key}  ${each.reason}`);
    return style.bad(`  MISMATCH  ${each.key}  sha256 ${each.actual}, recorded ${each.sha256}`);
  });
  return [style.bold('Evidence'), ...rows];
}

function absent(story: Story, style: Style): string[] {
  if (story.absent.length === 0) return [];
  return [style.bold('Not there'), ...story.absent.map((line) => `  ${oneLine(line)}`)];
}

function ending(story: Story, style: Style): string[] {
  const { kind, error } = story.ending;
  if (error) {
    return [`${style.bad('Ending')}     ${kind}: ${endWithName(error.cause, error.name)}`];
  }
  if (kind === 'running') return [`${style.bold('Ending')}     open: the execution is running`];
  return [`${style.good('Ending')}     ${kind}`];
}

/** Keeps the columns of raw output, unlike `oneLine`. */
function harmless(line: string): string {
  return line
    .replace(/\t/g, '    ')
    .replace(/[\p{Cc}\p{Cf}]/gu, '�')
    .trimEnd();
}
