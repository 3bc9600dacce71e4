import { ServiceError } from '../wire/error.ts';
import type { Origin, StateMachine } from './execution.ts';

export interface Version {
  readonly arn: string;
  readonly createdAt: Date;
  readonly machine: StateMachine;
}

export interface Alias {
  readonly arn: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly version: Version;
}

/**
 * Versions of state machines, and aliases that lead to one of them.
 * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-cd-aliasing-versioning.html
 */
export class Versions {
  readonly #versions = new Map<string, Version>();
  readonly #aliases = new Map<string, Alias>();
  readonly #published = new Map<string, number>();

  /** Answers the version that this revision has already, or makes the next one. */
  publish(machine: StateMachine, now: Date): Version {
    const same = this.versionsOf(machine.arn).find((each) => each.machine.revisionId === machine.revisionId);
    if (same) return same;
    const number = (this.#published.get(machine.arn) ?? 0) + 1;
    this.#published.set(machine.arn, number);
    const version = { arn: `${machine.arn}:${number}`, createdAt: now, machine };
    this.#versions.set(version.arn, version);
    return version;
  }

  /** Throws ConflictException for an alias that leads elsewhere, ResourceNotFound for an unknown version. */
  createAlias(name: string, versionArn: string, now: Date): Alias {
    if (!/^(?!\d+$)[\w.-]{1,80}$/.test(name)) throw new ServiceError('ValidationException', `Invalid alias ${name}`);
    const version = this.#versions.get(versionArn);
    if (!version) throw new ServiceError('ResourceNotFound', `Resource not found: '${versionArn}'`);
    const arn = `${version.machine.arn}:${name}`;
    const former = this.#aliases.get(arn);
    if (former?.version === version) return former;
    if (former) throw new ServiceError('ConflictException', `State machine alias already exists: '${arn}'`);
    const alias = { arn, name, createdAt: now, version };
    this.#aliases.set(arn, alias);
    return alias;
  }

  /** Newest first. */
  versionsOf(machineArn: string): Version[] {
    return [...this.#versions.values()].filter(({ machine }) => machine.arn === machineArn).reverse();
  }

  aliasesOf(machineArn: string): Alias[] {
    return [...this.#aliases.values()].filter(({ version }) => version.machine.arn === machineArn);
  }

  alias(arn: string): Alias | undefined {
    return this.#aliases.get(arn);
  }

  /** What an ARN with a version or an alias behind the machine's starts; undefined where there is neither. */
  resolve(arn: string): { machine: StateMachine; origin: Origin } | undefined {
    const alias = this.#aliases.get(arn);
    const version = alias?.version ?? this.#versions.get(arn);
    if (!version) return undefined;
    const origin = { versionArn: version.arn, ...(alias && { aliasArn: arn }) };
    return { machine: version.machine, origin };
  }
}
