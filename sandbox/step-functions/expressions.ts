import jsonata from 'jsonata';

/** What a JSONata expression reads from its surroundings, and what Step Functions would refuse in it. */
export interface ExpressionUse {
  /** `$name`s that the expression does not define itself, without `$states` and without the names it only calls. */
  readonly variables: ReadonlySet<string>;
  /** `$name(…)`s that the expression does not define itself. */
  readonly calls: ReadonlySet<string>;
  /** Fields of `$states` that are read: `input`, `result`, `errorOutput`, `context`. */
  readonly statesFields: ReadonlySet<string>;
  readonly problems: readonly string[];
}

const FUNCTIONS =
  'sum count max min average string substring substringBefore substringAfter lowercase uppercase length trim pad match ' +
  'contains replace split join formatNumber formatBase formatInteger parseInteger number floor ceil round abs sqrt ' +
  'power random boolean not map zip filter single reduce sift keys lookup append exists spread merge reverse each ' +
  'error assert type sort shuffle distinct base64encode base64decode encodeUrlComponent encodeUrl decodeUrlComponent ' +
  'decodeUrl toMillis fromMillis clone now millis ' +
  // Step Functions' own: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
  'partition range hash uuid parse';

/** Functions that an expression in a state machine may call. `$eval` is not among them: Step Functions refuses it. */
export const jsonataFunctions: ReadonlySet<string> = new Set(FUNCTIONS.split(' '));

const parsed = new Map<string, jsonata.Expression>();

/** The source inside `{% … %}`; null when `text` is not wholly an expression. */
export function expressionIn(text: string): string | null {
  return text.startsWith('{%') && text.endsWith('%}') && text.length >= 4 ? text.slice(2, -2).trim() : null;
}

/** Parses once and keeps the parse. Throws JSONata's own error (`code`, `position`, `message`). */
export function parseExpression(source: string): jsonata.Expression {
  let expression = parsed.get(source);
  if (!expression) {
    expression = jsonata(source);
    parsed.set(source, expression);
  }
  return expression;
}

/** Whether an expression's value is surely a text: a literal, `a & b` or `$string(…)`. Throws as parseExpression. */
export function makesText(source: string): boolean {
  const ast: unknown = parseExpression(source).ast();
  if (!isNode(ast)) return false;
  if (ast.type === 'string' || (ast.type === 'binary' && ast['value'] === '&')) return true;
  const { procedure } = ast;
  return ast.type === 'function' && isNode(procedure) && procedure['value'] === 'string';
}

type AstNode = Record<string, unknown> & { type: string };

function isNode(value: unknown): value is AstNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

type Scope = { names: Set<string>; parent: Scope | null };

function isDefined(scope: Scope | null, name: string): boolean {
  return scope !== null && (scope.names.has(name) || isDefined(scope.parent, name));
}

class Inspection {
  readonly variables = new Set<string>();
  readonly calls = new Set<string>();
  readonly statesFields = new Set<string>();
  readonly problems: string[] = [];

  /** `top`: no context item, so a bare name or `$` reads from nothing. */
  visit(value: unknown, scope: Scope, top: boolean): void {
    if (Array.isArray(value)) for (const item of value) this.visit(item, scope, top);
    if (!isNode(value)) return;
    switch (value.type) {
      case 'path':
        this.#path(value, scope, top);
        return;
      case 'variable':
        this.#variable(value, scope, top);
        return;
      case 'name':
      case 'wildcard':
      case 'descendant':
        if (top) this.problems.push(`a reference to '${String(value['value'])}' at the top level is not supported`);
        break;
      case 'lambda':
        this.#lambda(value, scope, top);
        return;
      case 'block':
        this.#children(value, { names: new Set(), parent: scope }, top);
        return;
      case 'bind':
        this.#bind(value, scope, top);
        return;
      case 'function':
      case 'partial':
        this.#call(value, scope, top);
        return;
    }
    this.#children(value, scope, top);
  }

  /** Predicates, groupings and sort terms see the item they look at; everything else the surrounding context. */
  #children(node: AstNode, scope: Scope, top: boolean): void {
    for (const [key, child] of Object.entries(node)) {
      if (key === 'predicate' || key === 'stages' || key === 'group' || key === 'terms' || key === 'nextFunction')
        this.#inner(child, scope);
      else if (key === 'pattern' || key === 'update' || key === 'delete') this.visit(child, scope, false);
      else if (typeof child === 'object') this.visit(child, scope, top);
    }
  }

  #inner(value: unknown, scope: Scope): void {
    if (Array.isArray(value)) for (const item of value) this.#inner(item, scope);
    else if (typeof value === 'object' && value !== null)
      for (const child of isNode(value) && !('expr' in value) ? [value] : Object.values(value))
        if (isNode(child)) this.visit(child, scope, false);
        else this.#inner(child, scope);
  }

  #path(node: AstNode, outer: Scope, top: boolean): void {
    const steps = Array.isArray(node['steps']) ? node['steps'].filter(isNode) : [];
    const scope: Scope = { names: new Set(), parent: outer };
    this.#readsStates(steps);
    for (const [index, step] of steps.entries()) {
      if (index === 0 && step.type === 'variable' && step['value'] === 'states') this.#children(step, scope, top);
      else this.visit(step, scope, top && index === 0);
      for (const key of ['focus', 'index']) if (typeof step[key] === 'string') scope.names.add(step[key]);
    }
    this.#inner(node['group'], scope);
  }

  #readsStates([first, second]: AstNode[]): void {
    if (first?.type !== 'variable' || first['value'] !== 'states') return;
    if (second?.type !== 'name') {
      this.problems.push("'$states' must be read by field");
      return;
    }
    const field = String(second['value']);
    if (['input', 'result', 'errorOutput', 'context'].includes(field)) this.statesFields.add(field);
    else this.problems.push(`'$states.${field}' does not exist`);
  }

  #variable(node: AstNode, scope: Scope, top: boolean): void {
    const name = String(node['value']);
    if (name === '$') this.problems.push("a reference to '$$' is not supported");
    else if (name === '') {
      if (top) this.problems.push("a reference to '$' at the top level is not supported");
    } else if (name === 'eval') this.problems.push("'$eval' is not supported, use '$parse'");
    else if (name === 'states') this.problems.push("'$states' must be read by field");
    else if (!isDefined(scope, name)) this.variables.add(name);
    this.#children(node, scope, top);
  }

  #lambda(node: AstNode, outer: Scope, top: boolean): void {
    const parameters = Array.isArray(node['arguments']) ? node['arguments'].filter(isNode) : [];
    const scope: Scope = { names: new Set(parameters.map((each) => String(each['value']))), parent: outer };
    this.visit(node['body'], scope, top);
  }

  #bind(node: AstNode, scope: Scope, top: boolean): void {
    const target = node['lhs'];
    // A function may call itself, so the name is known before its value is looked at.
    if (isNode(target)) scope.names.add(String(target['value']));
    this.visit(node['rhs'], scope, top);
  }

  #call(node: AstNode, scope: Scope, top: boolean): void {
    const procedure = node['procedure'];
    if (isNode(procedure) && procedure.type === 'variable') {
      const name = String(procedure['value']);
      if (name === 'eval') this.problems.push("'$eval' is not supported, use '$parse'");
      else if (!isDefined(scope, name)) this.calls.add(name);
    } else this.visit(procedure, scope, top);
    this.visit(node['arguments'], scope, top);
    for (const key of ['predicate', 'stages', 'group']) this.#inner(node[key], scope);
  }
}

const inspected = new Map<string, ExpressionUse>();

/**
 * What an expression reads and what Step Functions refuses in it: no context item (`$`, `$$`, bare names at the top
 * level), no `$eval`. Throws JSONata's own error when it does not parse.
 * https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
 */
export function inspectExpression(source: string): ExpressionUse {
  let use = inspected.get(source);
  if (!use) {
    const inspection = new Inspection();
    inspection.visit(parseExpression(source).ast(), { names: new Set(), parent: null }, true);
    use = inspection;
    inspected.set(source, use);
  }
  return use;
}

/** Every string in a JSON value with its path: object keys after `/`, array indices in brackets (`Output/a[0]`). */
export function* stringsIn(value: unknown, path: string): Generator<{ path: string; text: string }> {
  if (typeof value === 'string') yield { path, text: value };
  else if (Array.isArray(value))
    for (const [index, item] of value.entries()) yield* stringsIn(item, `${path}[${index}]`);
  else if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value)) yield* stringsIn(item, `${path}/${key}`);
}
