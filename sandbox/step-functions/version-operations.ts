import { ServiceError } from '../wire/error.ts';
import type { Operations } from '../wire/operations.ts';
import { operations } from '../wire/operations.ts';
import type { StepFunctions } from './engine.ts';
import { page } from './pages.ts';
import type { Alias } from './versions.ts';

/** The operations of Step Functions that deal with versions and aliases. */
export function versionOperations(engine: StepFunctions): Operations {
  const { versions, world } = engine;
  const machineOf = (arn: string) => {
    const machine = engine.machines.get(arn);
    if (!machine) throw new ServiceError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
    return machine;
  };
  return operations<typeof import('@aws-sdk/client-sfn')>({
    PublishStateMachineVersion: ({ stateMachineArn, revisionId }) => {
      const machine = machineOf(stateMachineArn);
      if (revisionId !== undefined && revisionId !== machine.revisionId)
        throw new ServiceError('ConflictException', `The revision of '${stateMachineArn}' is another one.`);
      const { arn, createdAt } = versions.publish(machine, world.region.clock.now());
      return { stateMachineVersionArn: arn, creationDate: createdAt };
    },
    ListStateMachineVersions: ({ stateMachineArn, maxResults, nextToken }) => {
      const { items, rest } = page(versions.versionsOf(stateMachineArn), maxResults, 100, nextToken);
      const listed = items.map(({ arn, createdAt }) => ({ stateMachineVersionArn: arn, creationDate: createdAt }));
      return { stateMachineVersions: listed, ...rest };
    },
    CreateStateMachineAlias: ({ name, routingConfiguration: [route, ...others] }) => {
      if (!route || others.length > 0)
        throw new ServiceError('ValidationException', 'The sandbox implements aliases that lead to one version.');
      const { arn, createdAt } = versions.createAlias(name, route.stateMachineVersionArn, world.region.clock.now());
      return { stateMachineAliasArn: arn, creationDate: createdAt };
    },
    DescribeStateMachineAlias: ({ stateMachineAliasArn }) => {
      const alias = versions.alias(stateMachineAliasArn);
      if (!alias) throw new ServiceError('ResourceNotFound', `Resource not found: '${stateMachineAliasArn}'`);
      return describe(alias);
    },
    ListStateMachineAliases: ({ stateMachineArn, maxResults, nextToken }) => {
      const { items, rest } = page(versions.aliasesOf(stateMachineArn), maxResults, 100, nextToken);
      const listed = items.map(({ arn, createdAt }) => ({ stateMachineAliasArn: arn, creationDate: createdAt }));
      return { stateMachineAliases: listed, ...rest };
    },
  });
}

function describe({ arn, name, createdAt, version }: Alias) {
  return {
    stateMachineAliasArn: arn,
    name,
    routingConfiguration: [{ stateMachineVersionArn: version.arn, weight: 100 }],
    creationDate: createdAt,
    updateDate: createdAt,
  };
}
