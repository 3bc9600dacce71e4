import type * as Sdk from '@aws-sdk/client-ssm';
import { ServiceError } from '../../wire/error.ts';
import type { Handlers } from '../../wire/operations.ts';
import { page } from '../paging.ts';
import { checkCount, checkPath } from './parameter-rules.ts';
import type { ParameterStore, ParameterVersion, StoredParameter } from './parameter-store.ts';

const MOST_NAMES = 10;
/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html */
const LARGEST_PAGE = 10;
const LONGEST_HISTORY_PAGE = 50;

/** The operations on parameters, of the types String and StringList in the standard tier. */
export function parameterHandlers(store: ParameterStore): Handlers<typeof Sdk> {
  return {
    PutParameter: (input, { principalArn }) => {
      checkSupported(input);
      const { Name, Value, Description, AllowedPattern, DataType, Overwrite = false, Tags = [] } = input;
      if (Overwrite && Tags.length > 0)
        throw invalid(
          "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.",
        );
      const { version } = store.put({
        name: Name,
        type: input.Type === 'StringList' || input.Type === 'String' ? input.Type : undefined,
        value: Value,
        description: Description,
        allowedPattern: AllowedPattern,
        dataType: DataType,
        overwrite: Overwrite,
        modifiedBy: principalArn,
      });
      const { tags } = store.find(Name);
      for (const { Key, Value: value } of Tags) tags.set(Key, value);
      return { Version: version, Tier: 'Standard' };
    },
    GetParameter: ({ Name }) => ({ Parameter: read(store, Name) }),
    GetParameters: ({ Names }) => {
      checkNames(Names);
      const wanted = [...new Set(Names)];
      const isThere = (name: string) => selected(store, name) !== undefined;
      return {
        Parameters: wanted.filter(isThere).map((name) => read(store, name)),
        InvalidParameters: wanted.filter((name) => !isThere(name)),
      };
    },
    GetParametersByPath: (input) => byPath(store, input),
    GetParameterHistory: ({ Name, MaxResults = LONGEST_HISTORY_PAGE, NextToken }) => {
      checkCount(MaxResults, 'maxResults', LONGEST_HISTORY_PAGE);
      const { name, versions } = store.find(Name);
      const { items, nextToken } = page(versions, { token: NextToken, size: MaxResults });
      return { Parameters: items.map((version) => describePast(name, version)), NextToken: nextToken };
    },
    DeleteParameter: ({ Name }) => {
      store.delete(store.find(Name).name);
      return {};
    },
    DeleteParameters: ({ Names }) => {
      checkNames(Names);
      const deleted = new Set(Names.filter((name) => store.delete(name)));
      return { DeletedParameters: [...deleted], InvalidParameters: Names.filter((name) => !deleted.has(name)) };
    },
    AddTagsToResource: ({ ResourceType, ResourceId, Tags }) => {
      const { tags } = tagged(store, ResourceType, ResourceId);
      for (const { Key, Value } of Tags) tags.set(Key, Value);
      return {};
    },
    RemoveTagsFromResource: ({ ResourceType, ResourceId, TagKeys }) => {
      const { tags } = tagged(store, ResourceType, ResourceId);
      for (const key of TagKeys) tags.delete(key);
      return {};
    },
    ListTagsForResource: ({ ResourceType, ResourceId }) => {
      const { tags } = tagged(store, ResourceType, ResourceId);
      return { TagList: [...tags].map(([Key, Value]) => ({ Key, Value })) };
    },
  };
}

function byPath(store: ParameterStore, input: { Path: string } & Sdk.GetParametersByPathRequest) {
  const { Path, Recursive = false, MaxResults = LARGEST_PAGE, NextToken, ParameterFilters = [] } = input;
  checkPath(Path);
  checkCount(MaxResults, 'maxResults', LARGEST_PAGE);
  if (ParameterFilters.length > 0)
    throw new ServiceError('InvalidFilterKey', 'the sandbox filters no parameters by label or type');
  const folder = Path.endsWith('/') ? Path : `${Path}/`;
  const below = store
    .list()
    .filter(({ name }) => name.startsWith(folder) && (Recursive || !name.slice(folder.length).includes('/')));
  const { items, nextToken } = page(below, { token: NextToken, size: MaxResults });
  return { Parameters: items.map(describeLatest), NextToken: nextToken };
}

/** What a name, with or without `:version`, stands for; undefined for a parameter that is not there. */
function selected(store: ParameterStore, wanted: string) {
  const whole = store.lookup(wanted);
  if (whole) return { parameter: whole, selector: undefined };
  const [, name = '', selector] = /^(.+):([^:/]+)$/.exec(wanted.trim()) ?? [];
  const parameter = store.lookup(name);
  return parameter && { parameter, selector };
}

/** Throws ParameterNotFound or ParameterVersionNotFound. */
function read(store: ParameterStore, wanted: string): Sdk.Parameter {
  const { parameter, selector } = selected(store, wanted) ?? { parameter: store.find(wanted), selector: undefined };
  if (selector === undefined) return describeLatest(parameter);
  const version = parameter.versions.find((each) => String(each.version) === selector);
  if (version) return { ...describe(parameter, version), Selector: `:${selector}` };
  throw new ServiceError(
    'ParameterVersionNotFound',
    `Systems Manager could not find version ${selector} of ${parameter.name}. Verify the version and try again.`,
  );
}

function describeLatest(parameter: StoredParameter): Sdk.Parameter {
  const latest = parameter.versions.at(-1);
  return latest ? describe(parameter, latest) : {};
}

function describe({ name, arn }: StoredParameter, version: ParameterVersion): Sdk.Parameter {
  return {
    Name: name,
    Type: version.type,
    Value: version.value,
    Version: version.version,
    LastModifiedDate: version.modifiedAt,
    ARN: arn,
    DataType: version.dataType,
  };
}

function describePast(name: string, version: ParameterVersion): Sdk.ParameterHistory {
  return {
    Name: name,
    Type: version.type,
    LastModifiedDate: version.modifiedAt,
    LastModifiedUser: version.modifiedBy,
    Description: version.description,
    Value: version.value,
    AllowedPattern: version.allowedPattern,
    Version: version.version,
    Labels: [],
    Tier: 'Standard',
    Policies: [],
    DataType: version.dataType,
  };
}

/** SSM tags many kinds of resources; the sandbox keeps the tags of parameters. */
function tagged(store: ParameterStore, type: string, id: string): StoredParameter {
  if (type !== 'Parameter')
    throw new ServiceError('InvalidResourceType', `the sandbox keeps tags of parameters, not of a ${type}`);
  const found = store.lookup(id);
  if (found) return found;
  throw new ServiceError('InvalidResourceId', `The resource ID "${id}" is not valid. Verify the ID and try again.`);
}

function checkSupported({ Type, Tier, Policies, DataType = 'text' }: Partial<Sdk.PutParameterRequest>): void {
  if (Type !== undefined && Type !== 'String' && Type !== 'StringList')
    throw new ServiceError('UnsupportedParameterType', `the sandbox keeps String and StringList, not ${Type}`);
  if ((Tier ?? 'Standard') !== 'Standard' || Policies !== undefined)
    throw invalid('the sandbox keeps parameters of the standard tier, which have no policies');
  if (DataType !== 'text') throw invalid(`the sandbox keeps parameters of the data type text, not ${DataType}`);
}

function checkNames(names: readonly string[]): void {
  if (names.length >= 1 && names.length <= MOST_NAMES) return;
  throw invalid(
    `1 validation error detected: Value '[${names.join(', ')}]' at 'names' failed to satisfy constraint: Member must have length between 1 and ${MOST_NAMES}`,
  );
}

function invalid(message: string): ServiceError {
  return new ServiceError('ValidationException', message);
}
