import {
  type CommandInvocation,
  GetCalendarStateCommand,
  GetParametersCommand,
  type InstanceInformation,
  PutParameterCommand,
  paginateDescribeInstanceInformation,
  paginateListCommandInvocations,
  SendCommandCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { UnknownWindow } from '../core/errors.ts';
import { batches, type ManagedNode } from '../core/nodes/nodes.ts';
import type { CalendarState } from '../core/window/window.ts';
import { isNamed, mapLimited, memoised } from './clients.ts';

/** A document to run on nodes; each parameter has one value. `comment` ≤ 100 characters, `deliverySeconds` ≥ 30. */
export interface RunCommand {
  document: string;
  nodes: readonly string[];
  parameters: Record<string, string>;
  comment: string;
  deliverySeconds: number;
}

export interface SentCommand {
  commandId: string;
  nodes: string[];
}

/** The result of a document on one node. SSM truncates `output`, stdout and then stderr, at 2,500 characters. */
export type NodeResult =
  | { node: string; state: 'pending' }
  | { node: string; state: 'succeeded' | 'failed'; status: string; output: string };

/** The SSM calls that nightshift makes. */
export interface Ssm {
  /** SSM's description of these managed nodes; nodes that SSM does not know are left out. */
  managedNodes(ids: readonly string[]): Promise<ManagedNode[]>;
  /** Sends one command per ≤ 50 nodes. `unknown` are nodes for which SSM refuses a command. */
  run(command: RunCommand): Promise<{ commands: SentCommand[]; unknown: string[] }>;
  /** Each node's own result. The parent command's status says nothing about single nodes, so it is not read. */
  results(commandIds: readonly string[]): Promise<NodeResult[]>;
  /** The state of each calendar. Throws UnknownWindow for a calendar that does not exist. */
  calendars(names: readonly string[]): Promise<CalendarState[]>;
  /** Stores a parameter as a String, over one that exists. */
  putParameter(parameter: { name: string; value: string }): Promise<void>;
  /** The parameters of these names, at most 10, that exist. */
  parameters(names: readonly string[]): Promise<{ name: string; value: string }[]>;
  /** Creates a parameter of type String. False if there is one of this name, which stays as it is. */
  createParameter(parameter: { name: string; value: string }): Promise<boolean>;
}

/** SSM throttles more calls at once before they would be faster. */
const AT_ONCE = 5;
const PAGE = 50;
const client = memoised((options) => new SSMClient(options));

export const ssm: Ssm = {
  async managedNodes(ids) {
    const found = await mapLimited(batches(ids), AT_ONCE, async (batch) => {
      const nodes: ManagedNode[] = [];
      const request = { Filters: [{ Key: 'InstanceIds', Values: batch }], MaxResults: PAGE };
      for await (const page of paginateDescribeInstanceInformation({ client: client() }, request))
        nodes.push(...(page.InstanceInformationList ?? []).map(managedNodeOf));
      return nodes;
    });
    return found.flat();
  },

  async run(command) {
    const sent = await mapLimited(batches(command.nodes), AT_ONCE, (nodes) => send({ ...command, nodes }));
    return { commands: sent.flatMap(({ commands }) => commands), unknown: sent.flatMap(({ unknown }) => unknown) };
  },

  async results(commandIds) {
    const found = await mapLimited(commandIds, AT_ONCE, async (CommandId) => {
      const results: NodeResult[] = [];
      const request = { CommandId, Details: true, MaxResults: PAGE };
      for await (const page of paginateListCommandInvocations({ client: client() }, request))
        results.push(...(page.CommandInvocations ?? []).map(resultOf));
      return results;
    });
    return found.flat();
  },

  calendars: (names) => mapLimited(names, AT_ONCE, calendarState),

  async putParameter({ name, value }) {
    await client().send(new PutParameterCommand({ Name: name, Value: value, Type: 'String', Overwrite: true }));
  },

  async parameters(names) {
    const answer = await client().send(new GetParametersCommand({ Names: [...names] }));
    return (answer.Parameters ?? []).map(({ Name: name, Value: value }) => {
      if (name === undefined || value === undefined)
        throw new Error('SSM listed a parameter without its name or value');
      return { name, value };
    });
  },

  async createParameter({ name, value }) {
    const request = { Name: name, Value: value, Type: 'String' as const, Overwrite: false };
    try {
      await client().send(new PutParameterCommand(request));
      return true;
    } catch (error) {
      if (isNamed(error, 'ParameterAlreadyExists')) return false;
      throw error;
    }
  },
};

/**
 * SSM refuses a whole call for one unknown instance id and does not name it, so the batch is halved until only that
 * node is left.
 */
async function send(command: RunCommand): Promise<{ commands: SentCommand[]; unknown: string[] }> {
  const nodes = [...command.nodes];
  try {
    const { Command } = await client().send(
      new SendCommandCommand({
        DocumentName: command.document,
        InstanceIds: nodes,
        Parameters: Object.fromEntries(Object.entries(command.parameters).map(([name, value]) => [name, [value]])),
        Comment: command.comment,
        TimeoutSeconds: command.deliverySeconds,
        MaxConcurrency: '100%',
        MaxErrors: '100%',
      }),
    );
    if (!Command?.CommandId) throw new Error(`SSM took ${command.document} without giving a command id`);
    return { commands: [{ commandId: Command.CommandId, nodes }], unknown: [] };
  } catch (error) {
    if (!isNamed(error, 'InvalidInstanceId')) throw error;
    if (nodes.length === 1) return { commands: [], unknown: nodes };
    const half = Math.ceil(nodes.length / 2);
    const first = await send({ ...command, nodes: nodes.slice(0, half) });
    const second = await send({ ...command, nodes: nodes.slice(half) });
    return { commands: [...first.commands, ...second.commands], unknown: [...first.unknown, ...second.unknown] };
  }
}

async function calendarState(name: string): Promise<CalendarState> {
  try {
    const answer = await client().send(new GetCalendarStateCommand({ CalendarNames: [name] }));
    if (!answer.State) throw new Error(`SSM answered without the state of calendar ${name}`);
    const next = answer.NextTransitionTime;
    return { name, state: answer.State, ...(next !== undefined && { nextTransitionAt: new Date(next) }) };
  } catch (error) {
    if (!isNamed(error, 'InvalidDocument', 'InvalidDocumentType', 'UnsupportedCalendarException')) throw error;
    throw new UnknownWindow(`SSM has no change calendar ${name}: ${error.message}`, {
      nextStep: "Correct the window's changeCalendars: names or ARNs of SSM documents of type ChangeCalendar.",
      cause: error,
    });
  }
}

/** Throws if SSM leaves out a field by which the node is judged. */
export function managedNodeOf(node: InstanceInformation): ManagedNode {
  const { InstanceId: id, PingStatus: ping } = node;
  if (!id || !ping) throw new Error(`SSM described managed node ${id} without its id or ping status`);
  return {
    id,
    ping,
    platformType: node.PlatformType ?? '',
    platformName: node.PlatformName ?? '',
    platformVersion: node.PlatformVersion ?? '',
    agentVersion: node.AgentVersion ?? '',
    computerName: node.ComputerName ?? '',
    address: node.IPAddress ?? null,
  };
}

/** https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html */
export function resultOf(invocation: CommandInvocation): NodeResult {
  const { InstanceId: node, Status, StatusDetails } = invocation;
  if (!node || !Status) throw new Error('SSM listed an invocation without its node or status');
  const output = (invocation.CommandPlugins ?? []).map(({ Output }) => Output ?? '').join('\n');
  switch (Status) {
    case 'Pending':
    case 'InProgress':
    case 'Delayed':
    case 'Cancelling':
      return { node, state: 'pending' };
    case 'Success':
      return { node, state: 'succeeded', status: StatusDetails ?? Status, output };
    default:
      // Cancelled, TimedOut, Failed, and any status that SSM may add: every status that is not a known success is a
      // failure.
      return { node, state: 'failed', status: StatusDetails ?? Status, output };
  }
}
