import { Aws } from 'aws-cdk-lib';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import { CfnPermission } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { arns, names, TEMPLATE_NAMES } from '../names.ts';
import { executionEnded } from '../workflow.ts';
import type { DeadEvents } from './dead-events.ts';
import type { Functions } from './functions.ts';

/** EventBridge retries for a day, 185 times; then the queue gets the event. */
export const RETRIES = { maximumEventAgeInSeconds: 24 * 3600, maximumRetryAttempts: 185 };

interface Trigger {
  name: string;
  description: string;
  handler: string;
  pattern: Record<string, unknown>;
}

/** The pattern of a call that EKS accepted. CloudTrail also records refused calls, with an errorCode. */
const accepted = (eventName: string[], more: Record<string, unknown> = {}) => ({
  source: ['aws.eks'],
  'detail-type': ['AWS API Call via CloudTrail'],
  detail: { eventSource: ['eks.amazonaws.com'], eventName, errorCode: [{ exists: false }], ...more },
});

/**
 * The rules. CloudTrail must be on in the account for the first four.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
 */
const TRIGGERS: readonly Trigger[] = [
  {
    name: 'cluster-created',
    description: 'Somebody created a cluster',
    handler: 'on-cluster-created',
    pattern: accepted(['CreateCluster']),
  },
  {
    name: 'addon-changed',
    description: 'Somebody changed kube-proxy',
    handler: 'on-addon-changed',
    pattern: accepted(['CreateAddon', 'UpdateAddon', 'DeleteAddon'], {
      requestParameters: { addonName: ['kube-proxy'] },
    }),
  },
  {
    name: 'addon-event',
    description: 'EKS reported the result of a change of an add-on',
    handler: 'on-addon-changed',
    pattern: { source: ['aws.eks'], 'detail-type': [{ prefix: 'EKS Addon ' }] },
  },
  {
    name: 'cluster-tagged',
    description: "Somebody changed a cluster's tags",
    handler: 'on-cluster-tagged',
    // Excludes the ARNs of node groups and add-ons, which have tags, too. CloudTrail may encode colons and slashes.
    pattern: accepted(['TagResource', 'UntagResource'], {
      requestParameters: { resourceArn: [{ wildcard: '*:cluster/*' }, { wildcard: '*%3Acluster%2F*' }] },
    }),
  },
  {
    name: 'node-registered',
    description: 'An instance that may be a node is running',
    handler: 'on-node-registered',
    pattern: {
      source: ['aws.ec2'],
      'detail-type': ['EC2 Instance State-change Notification'],
      detail: { state: ['running'] },
    },
  },
  {
    name: 'execution-ended',
    description: "An execution of nightshift's ended",
    handler: 'on-execution-ended',
    pattern: executionEnded(TEMPLATE_NAMES),
  },
];

/** One rule on the default bus for each kind of event, with one function behind it. */
export class Triggers extends Construct {
  /** The names of the rules without their prefix. */
  readonly rules = TRIGGERS.map(({ name }) => name);

  constructor(scope: Construct, id: string, options: { functions: Functions; deadEvents: DeadEvents }) {
    super(scope, id);
    const { functions, deadEvents } = options;
    for (const { name, description, handler, pattern } of TRIGGERS) {
      const target = functions.get(handler);
      const rule = new CfnRule(this, name, {
        name: names.rule(name),
        description,
        eventPattern: pattern,
        state: 'ENABLED',
        targets: [
          {
            id: handler,
            arn: target.functionArn,
            deadLetterConfig: { arn: arns.deadEvents },
            retryPolicy: RETRIES,
          },
        ],
      });
      rule.node.addDependency(deadEvents);
      new CfnPermission(this, `${name}-invokes`, {
        action: 'lambda:InvokeFunction',
        functionName: target.functionArn,
        principal: 'events.amazonaws.com',
        sourceArn: rule.attrArn,
        sourceAccount: Aws.ACCOUNT_ID,
      });
    }
  }
}
