export type Report = (path: string, rule: string, message: string) => void;

export interface LintState {
  readonly state: Record<string, unknown>;
  readonly path: string;
}

/** States as written, of a machine or of a Map's ItemProcessor. */
export interface LintGraph {
  readonly path: string;
  readonly startAt: string;
  readonly states: ReadonlyMap<string, LintState>;
  /** Graphs inside a state, by that state's path. */
  readonly inner: ReadonlyMap<string, LintGraph[]>;
}

/** A way from one state to another, with the Assign that is done on it. */
export interface Edge {
  readonly target: string;
  readonly assign: Record<string, unknown>;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function recordsIn(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

export function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

export function readGraph(container: Record<string, unknown>, path: string): LintGraph {
  const states = new Map<string, LintState>();
  const inner = new Map<string, LintGraph[]>();
  for (const [name, state] of Object.entries(isRecord(container['States']) ? container['States'] : {})) {
    if (!isRecord(state)) continue;
    const at = `${path}/States/${name}`;
    states.set(name, { state, path: at });
    const processors = [state['ItemProcessor']].filter(isRecord).map((each) => readGraph(each, `${at}/ItemProcessor`));
    const branches = recordsIn(state['Branches']).map((each, index) => readGraph(each, `${at}/Branches[${index}]`));
    inner.set(at, [...processors, ...branches]);
  }
  return { path, startAt: String(container['StartAt']), states, inner };
}

function edge(rule: Record<string, unknown>, target: unknown): Edge[] {
  return typeof target === 'string' ? [{ target, assign: isRecord(rule['Assign']) ? rule['Assign'] : {} }] : [];
}

/** Every way out of a state. A Choice's own Assign belongs to its Default, a catcher's to its Next. */
export function edges(state: Record<string, unknown>): Edge[] {
  return [
    ...edge(state, state['Next']),
    ...edge(state, state['Default']),
    ...recordsIn(state['Choices']).flatMap((rule) => edge(rule, rule['Next'])),
    ...recordsIn(state['Catch']).flatMap((rule) => edge(rule, rule['Next'])),
  ];
}
