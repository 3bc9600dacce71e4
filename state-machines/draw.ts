/** What a drawing needs of a state; the rest of ASL does not show. */
interface DrawnState {
  Type: string;
  Next?: string;
  Default?: string;
  Choices?: { Next: string }[];
  Catch?: { ErrorEquals: string[]; Next: string }[];
}

/** States.ALL leaves out one error that can be caught: a Catch of everything names both. */
const EVERYTHING: ReadonlySet<string> = new Set(['States.ALL', 'States.DataLimitExceeded']);

/**
 * A state machine as a Mermaid flowchart: solid arrows for the way forward, dotted ones for named errors. Catches of
 * everything are left out: they all lead to the same two states and would hide the rest.
 */
export function drawStateMachine(definition: { StartAt: string; States: Record<string, DrawnState> }): string {
  const lines = ['flowchart TD', `  start((start)) --> ${definition.StartAt}`];
  for (const [name, state] of Object.entries(definition.States)) {
    lines.push(`  ${name}${shape(name, state.Type)}`);
    for (const next of new Set([...(state.Choices ?? []).map((rule) => rule.Next), state.Default, state.Next]))
      if (next) lines.push(`  ${name} --> ${next}`);
    for (const { ErrorEquals, Next } of state.Catch ?? [])
      if (!ErrorEquals.some((error) => EVERYTHING.has(error)))
        lines.push(`  ${name} -. ${ErrorEquals.join(', ')} .-> ${Next}`);
  }
  return lines.join('\n');
}

function shape(name: string, type: string): string {
  switch (type) {
    case 'Choice':
      return `{${name}}`;
    case 'Wait':
      return `([${name}])`;
    case 'Succeed':
    case 'Fail':
      return `[[${name}]]`;
    default:
      return `[${name}]`;
  }
}
