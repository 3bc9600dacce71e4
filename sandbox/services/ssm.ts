import type * as Sdk from '@aws-sdk/client-ssm';
import type { Region } from '../region.ts';
import { ServiceError } from '../wire/error.ts';
import { type Operations, operations } from '../wire/operations.ts';
import { after } from './latency.ts';
import { page } from './paging.ts';
import { type Calendar, calendarState } from './ssm/calendars.ts';
import { type Command, CommandRun, type Disturb, type Invocation } from './ssm/commands.ts';
import { describeCommand, describeInvocation, describeInvocationFully } from './ssm/describe-command.ts';
import { documentHandlers } from './ssm/document-handlers.ts';
import { Documents } from './ssm/documents.ts';
import { describeInstanceInformation } from './ssm/managed-nodes.ts';
import { parameterHandlers } from './ssm/parameter-handlers.ts';
import { ParameterStore } from './ssm/parameter-store.ts';
import { makeCommand } from './ssm/send-command.ts';

export interface SsmOptions {
  /** The account's documents: `name` without the prefix, `content` a document of schema 2.2. */
  readonly documents?: readonly { name: string; content: object }[];
  /** The prefix of the names of those documents. Default: empty. */
  readonly documentPrefix?: string;
  /** Names, without the prefix, of the documents that install packages, which takes longer. Default: none. */
  readonly installing?: ReadonlySet<string>;
  /** By name. */
  readonly calendars?: ReadonlyMap<string, Calendar>;
  /** Default: no faults. */
  readonly disturb?: Disturb;
}

/** For a moment after SendCommand the invocations cannot be read yet. */
const VISIBLE_AFTER_MS = 1_000;

/** AWS Systems Manager: documents, Run Command, managed nodes, Parameter Store and Change Calendars. */
export function ssmService(region: Region, options: SsmOptions = {}): Operations {
  const documents = new Documents(region.account, region.clock.now(), options.installing);
  const prefix = options.documentPrefix ?? '';
  for (const { name, content } of options.documents ?? [])
    documents.create({
      name: `${prefix}${name}`,
      machineName: name,
      text: JSON.stringify(content, null, 2),
      createdAt: region.clock.now(),
    });
  return operations<typeof Sdk>({
    ...documentHandlers(region, documents, prefix),
    ...commandHandlers(region, documents, options.disturb ?? undisturbed),
    ...parameterHandlers(new ParameterStore(region)),
    DescribeInstanceInformation: (input) => describeInstanceInformation(region, input),
    GetCalendarState: (input) => calendarState(region, options.calendars ?? new Map(), input),
  });
}

const undisturbed: Disturb = () => ({ slowness: 1, output: (stdout) => stdout });

function commandHandlers(region: Region, documents: Documents, disturb: Disturb) {
  const commands = new Map<string, Command>();
  const newestFirst = () => [...commands.values()].toReversed();
  return {
    SendCommand: (input: Parameters<typeof makeCommand>[2]) => {
      const command = makeCommand(region, documents, input);
      commands.set(command.id, command);
      new CommandRun(region, command, disturb).start();
      // So that virtual time reaches the moment at which the command can be read even if nothing else happens.
      region.clock.at(after(region, VISIBLE_AFTER_MS), () => undefined);
      return { Command: describeCommand(command) };
    },
    ListCommands: (input: Sdk.ListCommandsRequest) => {
      const chosen = newestFirst().filter(
        ({ id, invocations }) =>
          (input.CommandId === undefined || id === input.CommandId) &&
          (input.InstanceId === undefined || invocations.some(({ node }) => node.id === input.InstanceId)),
      );
      const { items, nextToken } = page(chosen, { token: input.NextToken, size: pageSize(input.MaxResults) });
      return { Commands: items.map(describeCommand), NextToken: nextToken };
    },
    ListCommandInvocations: (input: Sdk.ListCommandInvocationsRequest) => {
      const size = pageSize(input.MaxResults);
      const wanted =
        input.CommandId === undefined
          ? newestFirst()
          : [commands.get(input.CommandId)].filter((command) => command !== undefined);
      const chosen = wanted
        .filter((command) => visible(region, command))
        .flatMap((command) => command.invocations.map((invocation) => ({ command, invocation })))
        .filter(({ invocation }) => input.InstanceId === undefined || invocation.node.id === input.InstanceId)
        .filter(({ invocation }) => (input.Filters ?? []).every((filter) => passes(invocation, filter)));
      const { items, nextToken } = page(chosen, { token: input.NextToken, size });
      const details = input.Details ?? false;
      return {
        CommandInvocations: items.map(({ command, invocation }) => describeInvocation(command, invocation, details)),
        NextToken: nextToken,
      };
    },
    GetCommandInvocation: ({ CommandId = '', InstanceId = '' }: Sdk.GetCommandInvocationRequest) => {
      const command = commands.get(CommandId);
      const invocation = command?.invocations.find(({ node }) => node.id === InstanceId);
      if (command && invocation && visible(region, command)) return describeInvocationFully(command, invocation);
      throw new ServiceError(
        'InvocationDoesNotExist',
        'The command ID and managed node ID you specified did not match any invocations.',
      );
    },
  };
}

function visible(region: Region, command: Command): boolean {
  return region.clock.now().getTime() - command.requestedAt.getTime() >= VISIBLE_AFTER_MS;
}

function passes(invocation: Invocation, filter: Sdk.CommandFilter): boolean {
  if (filter.key === 'Status') return invocation.status === filter.value || invocation.details === filter.value;
  throw new ServiceError('InvalidFilterKey', `the sandbox filters invocations by Status, not by ${filter.key}`);
}

function pageSize(maxResults: number | undefined): number {
  const size = maxResults ?? 50;
  if (size >= 1 && size <= 50) return size;
  throw new ServiceError(
    'ValidationException',
    `1 validation error detected: Value '${size}' at 'maxResults' failed to satisfy constraint: Member must be between 1 and 50`,
  );
}
