import { Aws, CfnDeletionPolicy, RemovalPolicy } from 'aws-cdk-lib';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
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

/**
 * How executions move to a new version. CloudFormation starts a quarter of them with it, and all of them after half an
 * hour, unless an alarm rings: then the deployment fails, and the whole stack goes back to the former version. If one of
 * the alarms already rings, no deployment begins. Percentage: 1 to 99, interval: 1 to 2,100 minutes.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-stepfunctions-statemachinealias-deploymentpreference.html
 * https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-stepfunctions (UpdateHandler.java)
 */
const CANARY = { type: 'CANARY', percentage: 25, interval: 30 };

/**
 * The state machine whose new version proves itself first, on a part of the clusters. The others move all at once, in
 * this order around it. What puts clusters back must not depend on chance, takes a repair at once, and has to be there
 * before the first migration of the new version. People start a rollout, too seldom for a part of the rollouts to show
 * anything; its migrations start through the alias of migrate-cluster.
 */
const ORDER = ['rollback-cluster', 'migrate-cluster', 'migrate-fleet'] as const;
const GRADUALLY = 'migrate-cluster';

/** The state machines, each from its file, with a version for every change and the alias that executions start through. */
export class Workflow extends Construct {
  private readonly machines: ReadonlyMap<string, Machine>;

  constructor(scope: Construct, id: string, options: Options) {
    super(scope, id);
    this.machines = new Map(STATE_MACHINES.map((machine) => [machine, new Machine(this, machine, options)]));
  }

  /**
   * Makes the aliases, which lead executions to the new versions, each after the one before it in ORDER.
   * @param alarms by name, those that stop the release
   * @throws Error if ORDER has not every state machine
   */
  release(alarms: ReadonlyMap<string, Alarm>): void {
    if (ORDER.length !== this.machines.size) throw new Error('infra/constructs/workflow.ts releases other machines');
    let former: CfnStateMachineAlias | undefined;
    for (const name of ORDER) {
      const machine = this.machines.get(name);
      if (!machine) throw new Error(`infra/constructs/workflow.ts releases ${name}, which is no state machine`);
      const alias = aliasOf(machine, name === GRADUALLY ? [...alarms.keys()].map(names.alarm) : []);
      alias.node.addDependency(...(name === GRADUALLY ? alarms.values() : []), ...(former ? [former] : []));
      former = alias;
    }
  }
}

class Machine extends Construct {
  readonly version: CfnStateMachineVersion;

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
    this.version = publish(this, stateMachine);
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
function publish(scope: Construct, stateMachine: CfnStateMachine): CfnStateMachineVersion {
  const version = new CfnStateMachineVersion(scope, 'Version', {
    stateMachineArn: stateMachine.attrArn,
    stateMachineRevisionId: stateMachine.attrStateMachineRevisionId,
  });
  // Keeps former versions, because executions that were started with them may still run.
  version.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
  version.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN;
  return version;
}

/** `alarms`: their names; without any the alias moves all at once. CloudFormation takes an unknown name for OK. */
function aliasOf(machine: Machine, alarms: string[]): CfnStateMachineAlias {
  const stateMachineVersionArn = machine.version.ref;
  return new CfnStateMachineAlias(machine, 'Alias', {
    name: ALIAS,
    description: 'The alias through which executions are started',
    deploymentPreference:
      alarms.length > 0
        ? { ...CANARY, stateMachineVersionArn, alarms }
        : { type: 'ALL_AT_ONCE', stateMachineVersionArn },
  });
}
