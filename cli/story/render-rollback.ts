import type { NodesInMode } from '../../functions/core/evidence/nodes-by-mode.ts';
import { oneLine } from '../exit.ts';
import { count, showTime } from '../terminal/format.ts';
import type { Style } from '../terminal/style.ts';
import type { Failure } from './failure.ts';
import type { Held } from './parts.ts';
import { phaseLines } from './render-phases.ts';
import type { Answered, Former, Restored, Rollback } from './rollback.ts';
import type { Story } from './story-type.ts';

/** What broke, on which nodes. */
export function renderFailure(failure: Failure | null, style: Style, title = 'What broke'): string[] {
  if (!failure) return [];
  const { state, phase, error, nodes } = failure;
  return [
    style.bad(title),
    `  ${phase === null ? '' : `${phase}, `}state ${state}: ${oneLine(error.name)}`,
    ...(error.cause ? [`  ${oneLine(error.cause)}`] : []),
    ...nodes.map(({ node, name, reasons }) => `  ${oneLine(`${name} (${node}): ${reasons.join(' ')}`)}`),
  ];
}

/** What each rollback or recovery restored, cleaned and proved. */
export function renderRollbacks(story: Story, style: Style): string[] {
  return story.rollbacks.flatMap((rollback, index) => [
    ...(index === 0 ? [] : ['']),
    ...renderRollback(rollback, style, story.machine === 'migrate-cluster'),
  ]);
}

function renderRollback(rollback: Rollback, style: Style, nested: boolean): string[] {
  const { execution, mode, former, restored, cleaned, proof, attempts, ending } = rollback;
  const rows: [string, string | null][] = [
    ['Started', startOf(rollback)],
    ['Attempts', attempts > 1 ? String(attempts) : null],
    ['Nothing to do', rollback.nothing?.join(' ') ?? null],
    ['Was', former?.proxying ?? null],
    ...configurationRows(former, restored),
    ['Restart', restartOf(rollback)],
    ['Cleaning', cleaned && answeredOf(cleaned, 'clean')],
    ['Proof', proof && answeredOf(proof, `proved ${proof.of}`)],
    ['Ending', ending.kind],
  ];
  const title = mode === 'recover' ? 'Recovered' : 'Restored';
  return [
    style.bold(`${title} by ${oneLine(nested ? execution.arn : execution.name)}`),
    ...rowLines(rows, style),
    ...renderFailure(rollback.failure, style, '  Why it failed').map((line, index) =>
      index === 0 ? line : `  ${line}`,
    ),
    ...(nested ? rollback.phases.flatMap((phase) => phaseLines(phase, style)) : []),
  ];
}

function startOf({ execution, reason }: Rollback): string | null {
  const at = execution.startedAt === null ? null : showTime(new Date(execution.startedAt));
  const why = reason === null ? null : `because: ${reason}`;
  return [at, why].filter((part) => part !== null).join(', ') || null;
}

function configurationRows(former: Former | null, restored: Restored | null): [string, string | null][] {
  if (!former) return [];
  const { way, from, to, already } = former;
  const addon: [string, string | null][] =
    way === 'config-map'
      ? []
      : [
          ['Add-on', addonOf(former, restored)],
          ['  from', already || way === 'create-addon' ? null : (from ?? 'no configuration values')],
          ['  to', way === 'create-addon' ? null : to],
        ];
  return [...addon, ['ConfigMap', configMapOf(restored)]];
}

function addonOf({ already }: Former, restored: Restored | null): string {
  if (!restored) return already ? 'configured as before already, nothing was sent' : 'nothing was sent';
  const { updateId, status } = restored;
  if (updateId === null) return status === 'gone' ? 'removed' : 'its removal was requested';
  return `update ${updateId}${status === null ? '' : ` is ${status}`}`;
}

function configMapOf(restored: Restored | null): string | null {
  if (!restored?.configMap) return null;
  return restored.configMap === 'written' ? 'the former text was written' : 'has its former text already';
}

function restartOf({ restarted, rolledByEks }: Rollback): string | null {
  if (!restarted) return rolledByEks ? 'left to EKS, by the pod annotations' : null;
  const { updated, desired, available } = restarted;
  return `${updated} of ${count(desired, 'pod')} restarted, ${available} available`;
}

function answeredOf({ passed, failed, step }: Answered, done: string): string {
  const of = `${passed} of ${count(passed + failed, 'node')} ${done}`;
  return step === null ? of : `${of} (${step})`;
}

/** `2 iptables (names), 1 unknown (name)`; null if no mode was read. */
export function modesOf(modes: readonly NodesInMode[]): string | null {
  if (modes.length === 0) return null;
  return modes
    .map(({ mode, nodes, names }) => {
      const more = nodes > names.length && names.length > 0 ? ', …' : '';
      return `${count(nodes, 'node')} ${mode}${names.length > 0 ? ` (${names.join(', ')}${more})` : ''}`;
    })
    .join('; ');
}

const HELD = { 'given-back': 'released', remains: 'NOT released' } as const;

/** Null if it was never taken. Before everything is settled, it counts as held and not as left behind. */
export function heldOf(held: Held, settled: boolean): string | null {
  if (held === 'not-taken') return null;
  return held === 'remains' && !settled ? 'held' : HELD[held];
}

function rowLines(rows: readonly [string, string | null][], style: Style): string[] {
  return rows.flatMap(([label, value]) =>
    value === null ? [] : [`  ${style.bold(label.padEnd(13))} ${oneLine(value)}`],
  );
}
