import type { Region } from '../../region.ts';
import { ServiceError } from '../../wire/error.ts';
import type { RetryPolicy } from '../retry.ts';
import { compilePattern, InvalidPattern } from './pattern.ts';
import type { InputChoice } from './target-input.ts';

/** Where a rule sends events. */
export interface RuleTarget extends InputChoice {
  readonly Id: string;
  readonly Arn: string;
  readonly RoleArn?: string | undefined;
  readonly DeadLetterConfig?: { readonly Arn?: string | undefined } | undefined;
  readonly RetryPolicy?: RetryPolicy | undefined;
}

export interface Rule {
  readonly name: string;
  readonly bus: string;
  readonly arn: string;
  /** JSON text. */
  readonly pattern: string;
  readonly matches: (event: unknown) => boolean;
  readonly enabled: boolean;
  readonly description: string | undefined;
  /** By id. */
  readonly targets: ReadonlyMap<string, RuleTarget>;
}

/** A rule has at most this many targets. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html */
const MOST_TARGETS = 5;

/** The Region's EventBridge rules with an event pattern. */
export class Rules {
  readonly #region: Region;
  readonly #rules = new Map<string, Rule>();

  constructor(region: Region) {
    this.#region = region;
  }

  list(bus: string): Rule[] {
    return [...this.#rules.values()].filter((rule) => rule.bus === bus);
  }

  /** Creates a rule, or replaces all of it but its targets. Throws InvalidEventPatternException. */
  put(rule: { name: string; bus: string; pattern: string; enabled: boolean; description?: string | undefined }): Rule {
    const { account, name: region } = this.#region;
    const key = keyOf(rule.bus, rule.name);
    const path = rule.bus === 'default' ? rule.name : key;
    const made: Rule = {
      ...rule,
      description: rule.description,
      arn: `arn:aws:events:${region}:${account}:rule/${path}`,
      matches: compile(rule.pattern),
      targets: this.#rules.get(key)?.targets ?? new Map(),
    };
    this.#rules.set(key, made);
    return made;
  }

  /** Throws ResourceNotFoundException. */
  find(bus: string, name: string): Rule {
    const rule = this.#rules.get(keyOf(bus, name));
    if (rule) return rule;
    throw new ServiceError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus ${bus}.`);
  }

  /** Throws ValidationException while it has targets. */
  delete(bus: string, name: string): void {
    if ((this.#rules.get(keyOf(bus, name))?.targets.size ?? 0) > 0)
      throw new ServiceError('ValidationException', "Rule can't be deleted since it has targets.");
    this.#rules.delete(keyOf(bus, name));
  }

  putTargets(bus: string, name: string, targets: readonly RuleTarget[]): void {
    const rule = this.find(bus, name);
    const all = new Map(rule.targets);
    for (const target of targets) all.set(target.Id, target);
    if (all.size > MOST_TARGETS)
      throw new ServiceError('LimitExceededException', `The requested resource exceeds the maximum number allowed.`);
    this.#rules.set(keyOf(bus, name), { ...rule, targets: all });
  }

  removeTargets(bus: string, name: string, ids: readonly string[]): void {
    const rule = this.find(bus, name);
    const left = [...rule.targets].filter(([id]) => !ids.includes(id));
    this.#rules.set(keyOf(bus, name), { ...rule, targets: new Map(left) });
  }

  /** The enabled rules of the bus whose pattern the event matches. */
  matching(bus: string, event: unknown): Rule[] {
    return this.list(bus).filter((rule) => rule.enabled && rule.matches(event));
  }
}

/** Throws InvalidEventPatternException as the service does. */
export function compile(pattern: string): (event: unknown) => boolean {
  try {
    return compilePattern(pattern);
  } catch (error) {
    if (error instanceof InvalidPattern) throw new ServiceError(error.name, error.message);
    throw error;
  }
}

const keyOf = (bus: string, name: string) => `${bus}/${name}`;
