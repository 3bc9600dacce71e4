import type * as Sdk from '@aws-sdk/client-ssm';
import type { Region, WorkerNode } from '../../region.ts';
import { ServiceError } from '../../wire/error.ts';
import type { Checked } from '../../wire/operations.ts';
import { after, uuid } from '../latency.ts';
import type { Command, Invocation } from './commands.ts';
import type { Documents } from './documents.ts';
import { requireManaged, targetedNodes } from './managed-nodes.ts';
import { resolveParameters } from './parameters.ts';

type Input = Checked<Sdk.SendCommandRequest>;

/**
 * Validates a SendCommand request and creates its command; `CommandRun` delivers it.
 * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
 */
export function makeCommand(region: Region, documents: Documents, input: Input): Command {
  checkLimits(input);
  const document = documents.find(input.DocumentName);
  const resolved = resolveParameters(document.content, input.Parameters ?? {});
  const nodes = chooseNodes(region, input);
  const requestedAt = region.clock.now();
  const timeoutSeconds = input.TimeoutSeconds ?? 3600;
  return {
    id: uuid(region),
    document,
    parameters: input.Parameters ?? {},
    resolved,
    instanceIds: input.InstanceIds ?? [],
    targets: input.Targets ?? [],
    comment: input.Comment ?? '',
    requestedAt,
    deliverUntil: after(region, timeoutSeconds * 1000),
    timeoutSeconds,
    maxConcurrency: input.MaxConcurrency ?? '50',
    maxErrors: input.MaxErrors ?? '0',
    invocations: nodes.map(pendingOn),
  };
}

function pendingOn(node: WorkerNode): Invocation {
  return {
    node,
    status: 'Pending',
    details: 'Pending',
    startedAt: undefined,
    endedAt: undefined,
    exitCode: -1,
    stdout: '',
    stderr: '',
  };
}

function chooseNodes(region: Region, { InstanceIds: ids = [], Targets: targets = [] }: Input): WorkerNode[] {
  if (ids.length > 0 && targets.length > 0) throw invalid('InstanceIds and Targets exclude each other');
  if (targets.length > 0) return targetedNodes(region, targets);
  if (ids.length === 0) throw invalid('either InstanceIds or Targets must be given');
  if (new Set(ids).size !== ids.length) throw new ServiceError('DuplicateInstanceId', 'an instance id was given twice');
  return requireManaged(region, ids);
}

function checkLimits(input: Input): void {
  const {
    InstanceIds = [],
    Targets = [],
    Comment = '',
    TimeoutSeconds = 3600,
    MaxConcurrency = '50',
    MaxErrors = '0',
  } = input;
  const rules: [boolean, string, string][] = [
    [InstanceIds.length <= 50, 'instanceIds', 'Member must have length less than or equal to 50'],
    [Targets.length <= 5, 'targets', 'Member must have length less than or equal to 5'],
    [Comment.length <= 100, 'comment', 'Member must have length less than or equal to 100'],
    [TimeoutSeconds >= 30 && TimeoutSeconds <= 2_592_000, 'timeoutSeconds', 'Member must be between 30 and 2592000'],
    [
      /^([1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%)$/.test(MaxConcurrency),
      'maxConcurrency',
      'Member must satisfy regular expression pattern: ^([1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%)$',
    ],
    [
      /^([1-9][0-9]*|[0]|[1-9][0-9]%|[0-9]%|100%)$/.test(MaxErrors),
      'maxErrors',
      'Member must satisfy regular expression pattern: ^([1-9][0-9]*|[0]|[1-9][0-9]%|[0-9]%|100%)$',
    ],
  ];
  const broken = rules
    .filter(([holds]) => !holds)
    .map(([, member, rule]) => `Value at '${member}' failed to satisfy constraint: ${rule}`);
  if (broken.length > 0)
    throw invalid(`${broken.length} validation error${broken.length === 1 ? '' : 's'} detected: ${broken.join('; ')}`);
}

function invalid(message: string): ServiceError {
  return new ServiceError('ValidationException', message);
}
