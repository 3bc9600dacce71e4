import { oneLine } from './exit.ts';
import { count, showCounts, showDuration, showTarget, showTime } from './narrate.ts';
import { isProof, type NodeRecord, type Phase, type Story } from './story.ts';
import type { Style } from './style.ts';

/** Passed nodes that a table lists before it says how many more there are; failed ones are all listed. */
const LISTED = 20;

/** The story as text for people. Text from nodes and requests is made harmless to a terminal. */
export function renderStory(story: Story, style: Style): string {
  const sections = [
    alarms(story, style),
    head(story, style),
    phases(story, style),
    nodes(story.nodes, style),
    failures(story.nodes, style),
    evidence(story, style),
    absent(story, style),
    ending(story, style),
  ];
  return sections
    .filter((section) => section.length > 0)
    .map((section) => section.join('\n'))
    .join('\n\n');
}

/** The story in few lines, for the end of a demo: phases, what one node said, and the ending. */
export function renderShortStory(story: Story, style: Style): string {
  const proof = story.nodes.filter((node) => isProof(node.step));
  const sections = [
    alarms(story, style),
    phases(story, style),
    nodes(proof, style),
    example(proof, style),
    ending(story, style),
  ];
  return sections
    .filter((section) => section.length > 0)
    .map((section) => section.join('\n'))
    .join('\n\n');
}

function alarms(story: Story, style: Style): string[] {
  return story.alarms.map((alarm) => style.bad(`EVIDENCE DOES NOT MATCH: ${oneLine(alarm)}`));
}

function head(story: Story, style: Style): string[] {
  const { execution, request, cluster, inventory, change, plan } = story;
  const rows: [string, string | null][] = [
    ['Execution', execution.arn],
    ['Status', statusLine(story)],
    ['Asked by', request ? (request.requestedBy ?? 'not said') : null],
    ['Asked for', request ? `${request.cluster} to ${showTarget(request.target)}, ${when(request)}` : null],
    ['Cluster', cluster ? clusterLine(cluster) : null],
    ['Nodes', inventory ? showCounts(inventory) : null],
    ['Plan', plan ? `${plan.kind}${plan.reasons.length > 0 ? `: ${plan.reasons.join(' ')}` : ''}` : null],
    ['Add-on', change?.addonVersion ?? null],
    ['Before', change ? (change.from ?? 'no configuration values') : null],
    ['After', change ? (change.to ?? 'not in the history') : null],
    ['Update', change?.updateId ?? null],
  ];
  return rows
    .filter((row): row is [string, string] => row[1] !== null)
    .map(([label, value]) => `${style.bold(label.padEnd(10))} ${oneLine(value)}`);
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

function phaseLines(phase: Phase, style: Style): string[] {
  const took = phase.seconds === null ? 'not over' : `took ${showDuration(phase.seconds)}`;
  const title = `  ${showTime(new Date(phase.startedAt))}  ${phase.label.padEnd(13)}  ${took}`;
  const details = phase.details.map((detail) => `    ${style.dim(oneLine(detail))}`);
  const errors = phase.errors.map((error) => `    ${style.bad(oneLine(`${error.name}: ${error.cause}`))}`);
  return [title, ...details, ...errors];
}

function nodes(records: readonly NodeRecord[], style: Style): string[] {
  if (records.length === 0) return [];
  const failed = records.filter((node) => !node.pass);
  const passed = records.filter((node) => node.pass);
  const listed = [...failed, ...passed.slice(0, LISTED)];
  const rows = listed.map((node) => [node.step, node.node, node.name, node.pass ? 'pass' : 'FAIL', factsOf(node)]);
  const lines = table([['step', 'node', 'name', 'verdict', 'facts'], ...rows]);
  const more = passed.length - LISTED;
  return [
    style.bold(`What ${count(records.length, 'verdict')} said: ${passed.length} pass, ${failed.length} fail`),
    ...lines.map((line) => `  ${line}`),
    ...(more > 0 ? [`  … and ${count(more, 'verdict')} more that passed (--format json lists all)`] : []),
  ];
}

/** The facts that decide, in the order of the validate document's output. */
const SHOWN_FACTS = ['proxyMode', 'virtualServers', 'rejectRules', 'source', 'scheduler', 'ipvsadm', 'loaded'];

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
    const cause = oneLine(error.cause);
    return [`${style.bad('Ending')}     ${kind}${cause ? `: ${cause.replace(/\.$/, '')}` : ''}: ${error.name}`];
  }
  if (kind === 'running') return [`${style.bold('Ending')}     none yet: the execution is running`];
  return [`${style.good('Ending')}     ${kind}`];
}

/** Columns as wide as their widest cell; the last one is not padded. */
function table(rows: readonly (readonly string[])[]): string[] {
  const clean = rows.map((row) => row.map(oneLine));
  const widths = (clean[0] ?? []).map((_, column) => Math.max(...clean.map((row) => row[column]?.length ?? 0)));
  return clean.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** Keeps the columns of raw output, unlike `oneLine`. */
function harmless(line: string): string {
  return line
    .replace(/\t/g, '    ')
    .replace(/[\p{Cc}\p{Cf}]/gu, '�')
    .trimEnd();
}
