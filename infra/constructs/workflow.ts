import { Aws, CfnDeletionPolicy, RemovalPolicy } from 'aws-cdk-lib';
import { type IPrincipal, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnStateMachine, CfnStateMachineAlias, CfnStateMachineVersion } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { readDefinition, STATE_MACHINES } from '../../state-machines/definitions.ts';
import type { Config } from '../config.ts';
import { arns, names, TEMPLATE_NAMES } from '../names.ts';
import { ALIAS } from '../naming.ts';
import { decryptEvidence, encryptEvidence } from '../permissions/records.ts';
import { handlersOf, stateMachinePermissions } from '../state-machine-permissions.ts';
import { inEveryPartition, substitutions } from '../workflow.ts';
import type { Functions } from './functions.ts';
import { roleFor } from './role.ts';

interface Options {
  config: Config;
  key: IKey;
  functions: Functions;
}

/** The state machines, each from its file, with a version for every change and the alias that executions start through. */
export class Workflow extends Construct {
  constructor(scope: Construct, id: string, options: Options) {
    super(scope, id);
    for (const machine of STATE_MACHINES) new Machine(this, machine, options);
  }
}

class Machine extends Construct {
  constructor(scope: Construct, machine: string, { config, key, functions }: Options) {
    super(scope, machine);
    const handlers = handlersOf(machine, [...functions.byHandler.keys()]);
    const permissions = stateMachinePermissions(machine, handlers, config.kubernetesGroup);
    const calls = (action: string) => permissions.some(({ actions }) => actions.includes(action));
    const role = roleFor(this, machine, {
      assumedBy: stepFunctions(machine),
      description: `The state machine ${names.stateMachine(machine)}`,
      permissions: [
        ...permissions,
        ...(calls('s3:PutObject') ? [encryptEvidence(key.keyArn)] : []),
        ...(calls('s3:GetObject') ? [decryptEvidence(key.keyArn)] : []),
      ],
    });
    const logs = new LogGroup(this, 'Logs', {
      // Log groups with this prefix do not fill the resource policy of CloudWatch Logs.
      logGroupName: `/aws/vendedlogs/states/${names.stateMachine(machine)}`,
      retention: config.retentionDays.logs,
      encryptionKey: key,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const definition = inEveryPartition(readDefinition(machine));
    const stateMachine = new CfnStateMachine(this, 'StateMachine', {
      stateMachineName: names.stateMachine(machine),
      stateMachineType: 'STANDARD',
      roleArn: role.roleArn,
      definitionString: JSON.stringify(JSON.parse(definition)),
      definitionSubstitutions: substitutions(
        definition,
        TEMPLATE_NAMES,
        Object.fromEntries(handlers.map((handler) => [handler, functions.versionArn(handler)])),
        config.kubernetesGroup,
      ),
      // The log has the states without their data, which is in the exported history.
      loggingConfiguration: {
        level: 'ALL',
        includeExecutionData: false,
        destinations: [{ cloudWatchLogsLogGroup: { logGroupArn: logs.logGroupArn } }],
      },
      tracingConfiguration: { enabled: true },
    });
    publish(this, stateMachine);
  }
}

function stepFunctions(machine: string): IPrincipal {
  return new ServicePrincipal('states.amazonaws.com', {
    conditions: {
      StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
      ArnLike: { 'aws:SourceArn': `${arns.stateMachine(machine)}*` },
    },
  });
}

/**
 * A running execution keeps its definition, and with it the versions of its functions; executions started through the
 * alias use the newest version.
 */
function publish(scope: Construct, stateMachine: CfnStateMachine): void {
  const version = new CfnStateMachineVersion(scope, 'Version', {
    stateMachineArn: stateMachine.attrArn,
    stateMachineRevisionId: stateMachine.attrStateMachineRevisionId,
  });
  // Keeps former versions, because executions that were started with them may still run.
  version.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
  version.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN;
  new CfnStateMachineAlias(scope, 'Alias', {
    name: ALIAS,
    description: 'The alias through which executions are started',
    deploymentPreference: { type: 'ALL_AT_ONCE', stateMachineVersionArn: version.ref },
  });
}
