import { type Comment, readComment } from '../phases.ts';
import type { LintGraph, LintState, Report } from './model.ts';
import { edges, recordsIn, textsIn } from './model.ts';

const TAKES_TIME: readonly unknown[] = ['Task', 'Wait', 'Map', 'Parallel'];
/** The answer before such a Wait said what is waited for. */
const AS_ANSWERED = '{% $waitSeconds %}';

const commentOf = ({ state }: LintState): Comment => readComment(String(state['Comment'] ?? ''));

function checkState({ state, path }: LintState, comment: Comment, phases: readonly string[], report: Report): void {
  const { phase, words, why } = comment;
  if (phase === null && TAKES_TIME.includes(state['Type']))
    report(path, 'phase', `a ${state['Type']} takes time: its Comment must begin with its phase, 'phase | why'`);
  if (phase !== null && !phases.includes(phase))
    report(path, 'unknown-phase', `there is no phase '${phase}' among ${phases.join(', ')}`);
  const parts = [phase ?? why, words ?? why, why];
  if (state['Comment'] !== undefined && parts.some((part) => part.trim() === '' || part.includes('|')))
    report(path, 'comment-form', "a Comment must be 'why', 'phase | why' or 'phase | words | why'");
  const { Seconds } = state;
  if (Seconds !== undefined && Seconds !== AS_ANSWERED && words === null)
    report(path, 'wait-words', "who follows sees nothing for that time: add words, 'phase | words | why'");
  for (const [index, entry] of recordsIn(state['Catch']).entries())
    if (entry['Comment'] !== undefined && textsIn(entry['ErrorEquals']).includes('States.ALL'))
      report(`${path}/Catch[${index}]`, 'catch-words', 'a Comment marks errors that are answers: States.ALL is none');
}

/** Whether a way leads from the start to a phase, through states of phases that stand before it or of none. */
function isReached(graph: LintGraph, phase: string, phases: readonly string[]): boolean {
  const before = phases.slice(0, phases.indexOf(phase));
  const seen = new Set<string>();
  const waiting = [graph.startAt];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const here = graph.states.get(name);
    if (!here || seen.has(name)) continue;
    seen.add(name);
    const own = commentOf(here).phase;
    if (own === phase) return true;
    if (own === null || before.includes(own)) waiting.push(...edges(here.state).map(({ target }) => target));
  }
  return false;
}

/**
 * Checks what the command line shows of a state machine: each state that takes time has one of `phases`, which stand in
 * an order in which they can follow one another. A state machine that nobody follows has no phases.
 */
export function checkPhases(graph: LintGraph, phases: readonly string[], report: Report): void {
  if (phases.length === 0) return;
  const states = [...graph.states.values()];
  for (const here of states) checkState(here, commentOf(here), phases, report);
  for (const phase of phases) {
    if (!states.some((here) => commentOf(here).phase === phase))
      report(graph.path, 'unused-phase', `no state belongs to the phase '${phase}'`);
    else if (!isReached(graph, phase, phases))
      report(graph.path, 'phase-order', `only phases that stand behind '${phase}' lead to it`);
  }
}
