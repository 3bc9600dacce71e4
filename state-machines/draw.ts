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

/** From so many states on, arrows of everything else that fails would hide the rest of the graph. */
const COMMON = 5;

/**
 * A state machine as a Mermaid flowchart: solid arrows for the way forward, dotted ones for errors. Catches of everything
 * are left out if five or more of them lead to the same state.
 */
export function drawStateMachine(definition: { StartAt: string; States: Record<string, DrawnState> }): string {
  const lines = ['flowchart TD', `  start((start)) --> ${definition.StartAt}`];
  const common = commonCatchers(Object.values(definition.States));
  for (const [name, state] of Object.entries(definition.States)) {
    lines.push(`  ${name}${shape(name, state.Type)}`);
    for (const next of new Set([...(state.Choices ?? []).map((rule) => rule.Next), state.Default, state.Next]))
      if (next) lines.push(`  ${name} --> ${next}`);
    for (const { ErrorEquals, Next } of state.Catch ?? []) {
      if (!catchesEverything(ErrorEquals)) lines.push(`  ${name} -. ${ErrorEquals.join(', ')} .-> ${Next}`);
      else if (!common.has(Next)) lines.push(`  ${name} -. any other error .-> ${Next}`);
    }
  }
  // A Catch of everything and one of States.DataLimitExceeded draw the same arrow.
  return [...new Set(lines)].join('\n');
}

const catchesEverything = (errors: readonly string[]): boolean => errors.some((error) => EVERYTHING.has(error));

/** The states to which `COMMON` or more states lead with everything else that fails. */
function commonCatchers(states: readonly DrawnState[]): Set<string> {
  const targets = states.flatMap(({ Catch = [] }) => {
    const all = Catch.filter(({ ErrorEquals }) => catchesEverything(ErrorEquals));
    return [...new Set(all.map(({ Next }) => Next))];
  });
  return new Set(targets.filter((target) => targets.filter((other) => other === target).length >= COMMON));
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
