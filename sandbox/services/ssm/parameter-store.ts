import type { Region } from '../../region.ts';
import { ServiceError } from '../../wire/error.ts';
import { checkName, checkValue } from './parameter-rules.ts';

/** One version of a parameter. */
export interface ParameterVersion {
  readonly version: number;
  readonly type: 'String' | 'StringList';
  readonly value: string;
  readonly description?: string | undefined;
  readonly allowedPattern?: string | undefined;
  readonly dataType: string;
  readonly modifiedAt: Date;
  /** ARN of who wrote it. */
  readonly modifiedBy: string;
}

export interface StoredParameter {
  readonly name: string;
  readonly arn: string;
  /** Oldest first; never empty. */
  readonly versions: ParameterVersion[];
  readonly tags: Map<string, string>;
}

export type NewVersion = Omit<ParameterVersion, 'version' | 'type' | 'modifiedAt' | 'dataType'> & {
  readonly name: string;
  /** Needed for a new parameter; an overwritten one keeps its own. */
  readonly type: ParameterVersion['type'] | undefined;
  readonly dataType: string | undefined;
  readonly overwrite: boolean;
};

/** Quotas of an account and Region. https://docs.aws.amazon.com/general/latest/gr/ssm.html#limits_ssm */
const MOST_PARAMETERS = 10_000;
const MOST_VERSIONS = 100;

/** Parameter Store: parameters of the standard tier by their full names, with their versions. */
export class ParameterStore {
  readonly #region: Region;
  readonly #parameters = new Map<string, StoredParameter>();

  constructor(region: Region) {
    this.#region = region;
  }

  /**
   * Creates a parameter or, with `overwrite`, adds a version. Throws ParameterAlreadyExists, and what breaks a rule of
   * names, types and values.
   */
  put(given: NewVersion): ParameterVersion {
    const name = given.name.trim();
    const arn = this.#arn(name);
    checkName(name, arn);
    const known = this.#parameters.get(name);
    if (known && !given.overwrite)
      throw new ServiceError(
        'ParameterAlreadyExists',
        'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
      );
    if (!known && this.#parameters.size >= MOST_PARAMETERS)
      throw new ServiceError('ParameterLimitExceeded', `more than ${MOST_PARAMETERS} parameters in the Region`);
    const last = known?.versions.at(-1);
    checkValue(given, last);
    const type = last?.type ?? given.type;
    if (type === undefined) throw invalid('A parameter type is required when you create a parameter.');
    const { value, description, allowedPattern, modifiedBy } = given;
    const modifiedAt = this.#region.clock.now();
    const dataType = given.dataType ?? last?.dataType ?? 'text';
    const content = { type, value, description, allowedPattern, dataType, modifiedAt, modifiedBy };
    const made = { ...content, version: (last?.version ?? 0) + 1 };
    if (known) keep(known.versions, made);
    else this.#parameters.set(name, { name, arn, versions: [made], tags: new Map() });
    return made;
  }

  /** By name or ARN. Throws ParameterNotFound. */
  find(nameOrArn: string): StoredParameter {
    const found = this.lookup(nameOrArn);
    if (found) return found;
    throw new ServiceError('ParameterNotFound', `Parameter ${nameOrArn.trim()} not found.`);
  }

  lookup(nameOrArn: string): StoredParameter | undefined {
    const name = nameOrArn.trim();
    const byName = this.#parameters.get(name);
    if (byName || !name.startsWith('arn:')) return byName;
    return this.list().find(({ arn }) => arn === name);
  }

  /** Whether there was one. */
  delete(name: string): boolean {
    return this.#parameters.delete(name.trim());
  }

  /** In the order of their names. */
  list(): StoredParameter[] {
    return [...this.#parameters.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** A name's own leading slash is the one that the ARN has after `parameter`. */
  #arn(name: string): string {
    const { name: region, account } = this.#region;
    return `arn:aws:ssm:${region}:${account}:parameter${name.startsWith('/') ? '' : '/'}${name}`;
  }
}

/** The oldest version goes when there are 100. */
function keep(versions: ParameterVersion[], made: ParameterVersion): void {
  versions.push(made);
  if (versions.length > MOST_VERSIONS) versions.shift();
}

function invalid(message: string): ServiceError {
  return new ServiceError('ValidationException', message);
}
