import type * as Sdk from '@aws-sdk/client-ssm';
import { type Command, commandStatus, countsAsError, type Invocation } from './commands.ts';

/** What SSM keeps of a plugin's output: the lists show less of it than GetCommandInvocation. */
const LISTED_OUTPUT = 2_500;
const STDOUT = 24_000;
const STDERR = 8_000;
const CUT = '\n---Output truncated---';

/** A command as SendCommand and ListCommands show it. */
export function describeCommand(command: Command): Sdk.Command {
  const { invocations } = command;
  return {
    CommandId: command.id,
    DocumentName: command.document.name,
    DocumentVersion: '$DEFAULT',
    Comment: command.comment,
    ExpiresAfter: command.deliverUntil,
    Parameters: { ...command.parameters },
    InstanceIds: [...command.instanceIds],
    Targets: command.targets.map(({ Key, Values }) => ({ Key, Values })),
    RequestedDateTime: command.requestedAt,
    ...commandStatus(command),
    OutputS3BucketName: '',
    OutputS3KeyPrefix: '',
    MaxConcurrency: command.maxConcurrency,
    MaxErrors: command.maxErrors,
    TargetCount: invocations.length,
    CompletedCount: invocations.filter(({ endedAt }) => endedAt).length,
    ErrorCount: invocations.filter(countsAsError).length,
    DeliveryTimedOutCount: 0,
    ServiceRole: '',
    TimeoutSeconds: command.timeoutSeconds,
  };
}

/** One invocation as ListCommandInvocations shows it; the plugin's output only where details are asked for. */
export function describeInvocation(command: Command, invocation: Invocation, details: boolean): Sdk.CommandInvocation {
  return {
    CommandId: command.id,
    InstanceId: invocation.node.id,
    InstanceName: invocation.node.name,
    Comment: command.comment,
    DocumentName: command.document.name,
    DocumentVersion: '$DEFAULT',
    RequestedDateTime: command.requestedAt,
    Status: invocation.status,
    StatusDetails: invocation.details,
    TraceOutput: '',
    StandardOutputUrl: '',
    StandardErrorUrl: '',
    CommandPlugins: details && invocation.startedAt ? [plugin(command, invocation)] : [],
    ServiceRole: '',
  };
}

function plugin(command: Command, invocation: Invocation): Sdk.CommandPlugin {
  const { stdout, stderr } = outputs(invocation);
  return {
    Name: command.document.content.mainSteps[0]?.name,
    Status: invocation.status,
    StatusDetails: invocation.details,
    ResponseCode: invocation.exitCode,
    ResponseStartDateTime: invocation.startedAt,
    ResponseFinishDateTime: invocation.endedAt,
    Output: cut(stderr === '' ? stdout : `${stdout}\n----------ERROR-------\n${stderr}`, LISTED_OUTPUT),
    StandardOutputUrl: '',
    StandardErrorUrl: '',
    OutputS3Region: '',
    OutputS3BucketName: '',
    OutputS3KeyPrefix: '',
  };
}

/** One invocation as GetCommandInvocation shows it. */
export function describeInvocationFully(
  command: Command,
  invocation: Invocation,
): Omit<Sdk.GetCommandInvocationResult, '$metadata'> {
  const { stdout, stderr } = outputs(invocation);
  return {
    CommandId: command.id,
    InstanceId: invocation.node.id,
    Comment: command.comment,
    DocumentName: command.document.name,
    DocumentVersion: '$DEFAULT',
    PluginName: command.document.content.mainSteps[0]?.name,
    ResponseCode: invocation.endedAt ? invocation.exitCode : -1,
    ExecutionStartDateTime: invocation.startedAt?.toISOString() ?? '',
    ExecutionElapsedTime: elapsed(invocation),
    ExecutionEndDateTime: invocation.startedAt ? (invocation.endedAt?.toISOString() ?? '') : '',
    Status: invocation.status,
    StatusDetails: invocation.details,
    StandardOutputContent: cut(stdout, STDOUT),
    StandardOutputUrl: '',
    StandardErrorContent: cut(stderr, STDERR),
    StandardErrorUrl: '',
    CloudWatchOutputConfig: { CloudWatchLogGroupName: '', CloudWatchOutputEnabled: false },
  };
}

/** Nothing is seen before the agent reported the end; it then adds a line of its own about an exit code. */
function outputs({ endedAt, startedAt, exitCode, stdout, stderr }: Invocation): { stdout: string; stderr: string } {
  if (!endedAt || !startedAt) return { stdout: '', stderr: '' };
  return { stdout, stderr: exitCode > 0 ? `${stderr}failed to run commands: exit status ${exitCode}` : stderr };
}

function elapsed({ startedAt, endedAt }: Invocation): string {
  return startedAt && endedAt ? `PT${(endedAt.getTime() - startedAt.getTime()) / 1000}S` : '';
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : text.slice(0, length - CUT.length) + CUT;
}
