import { Aws } from 'aws-cdk-lib';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnSubscription, Topic } from 'aws-cdk-lib/aws-sns';
import { Construct, type IConstruct } from 'constructs';
import type { Config } from '../config.ts';
import { arns, names } from '../names.ts';
import { forwardEvents } from '../permissions/executions.ts';
import type { Conditions } from '../permissions/permission.ts';
import type { DeadEvents } from './dead-events.ts';
import { roleFor } from './role.ts';
import { RETRIES } from './triggers.ts';

/** Events of which a person is notified. Their rule's metric counts them. */
const FAILURES = ['nightshift.RollbackFailed', 'nightshift.MigrationFailed', 'nightshift.MigrationRolledBack'];
/** Events of which a person is notified, and which say nothing about the release: clusters are refused in each. */
const ENDINGS = [
  'nightshift.MigrationRefused',
  'nightshift.DriftDetected',
  'nightshift.BatchHeld',
  'nightshift.ApprovalRequested',
];

interface Options {
  config: Config;
  key: IKey;
  deadEvents: DeadEvents;
}

/** The topic that notifies people, the rules that publish to it, and the rule to the central bus. */
export class Notifications extends Construct {
  readonly topic: Topic;
  private readonly deadEvents: DeadEvents;

  constructor(scope: Construct, id: string, { config, key, deadEvents }: Options) {
    super(scope, id);
    this.deadEvents = deadEvents;
    const { emails, centralBusArn } = config.notifications;
    this.topic = new Topic(this, 'Topic', {
      topicName: names.topic,
      displayName: 'nightshift',
      masterKey: key,
      enforceSSL: true,
    });
    this.allowPublishing();
    for (const endpoint of emails)
      new CfnSubscription(this, endpoint, { topicArn: this.topic.topicArn, protocol: 'email', endpoint });
    this.notify('failures', 'A migration failed, was rolled back, or could not be rolled back', {
      source: ['nightshift'],
      'detail-type': FAILURES,
    });
    this.notify('endings', 'A migration was refused, another principal changed kube-proxy, or a batch is held', {
      source: ['nightshift'],
      'detail-type': ENDINGS,
    });
    this.notify('guard-raised', 'An alarm was raised right after a migration', {
      source: ['nightshift'],
      'detail-type': ['nightshift.MigrationSucceeded'],
      detail: { guard: { reason: [{ exists: true }] } },
    });
    // A held stage ends its rollout, so nightshift.StageEnded would notify of the same.
    this.notify('rollout-ended', 'A rollout did not succeed', {
      source: ['nightshift'],
      'detail-type': ['nightshift.RolloutEnded'],
      detail: { status: [{ 'anything-but': 'succeeded' }] },
    });
    // Every recovery has a name with this beginning: core/execution/recovery.ts makes it.
    this.notify('recovery-started', 'A lease fired, or an execution ended without recording its outcome', {
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      detail: {
        stateMachineArn: [arns.stateMachine('rollback-cluster')],
        status: ['RUNNING'],
        name: [{ prefix: 'recover' }],
      },
    });
    if (centralBusArn) forward(new Construct(this, 'CentralBus'), centralBusArn).node.addDependency(deadEvents);
  }

  private notify(name: string, description: string, eventPattern: Record<string, unknown>): void {
    const rule = new CfnRule(this, name, {
      name: names.rule(name),
      description,
      eventPattern,
      state: 'ENABLED',
      targets: [
        { id: 'people', arn: this.topic.topicArn, deadLetterConfig: { arn: arns.deadEvents }, retryPolicy: RETRIES },
      ],
    });
    rule.node.addDependency(policyOfTopic(this.topic), this.deadEvents);
  }

  /**
   * The statement for EventBridge has no condition, because EventBridge sends no condition keys to a topic's policy.
   * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions
   */
  private allowPublishing(): void {
    const publish = (sid: string, service: string, conditions?: Conditions) =>
      this.topic.addToResourcePolicy(
        new PolicyStatement({
          sid,
          principals: [new ServicePrincipal(service)],
          actions: ['sns:Publish'],
          resources: [this.topic.topicArn],
          ...(conditions && { conditions }),
        }),
      );
    publish('Rules', 'events.amazonaws.com');
    publish('Alarms', 'cloudwatch.amazonaws.com', {
      StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
      ArnLike: { 'aws:SourceArn': arns.alarms },
    });
  }
}

/** The topic's policy, without which nothing can be published. Throws for a topic that has none. */
export const policyOfTopic = (topic: Topic): IConstruct => topic.node.findChild('Policy');

/** Sends every event of nightshift to the bus of another account, too. */
function forward(scope: Construct, busArn: string): CfnRule {
  const role = roleFor(scope, 'forwarder', {
    assumedBy: new ServicePrincipal('events.amazonaws.com', {
      conditions: {
        StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
        ArnEquals: { 'aws:SourceArn': arns.rule('forward') },
      },
    }),
    description: "Puts nightshift's events on the central bus",
    permissions: [forwardEvents(busArn)],
  });
  return new CfnRule(scope, 'Rule', {
    name: names.rule('forward'),
    description: 'Sends every event to the central bus',
    eventPattern: { source: ['nightshift'] },
    state: 'ENABLED',
    targets: [
      {
        id: 'central-bus',
        arn: busArn,
        roleArn: role.roleArn,
        deadLetterConfig: { arn: arns.deadEvents },
        retryPolicy: RETRIES,
      },
    ],
  });
}
