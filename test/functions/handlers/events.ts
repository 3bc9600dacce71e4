import type { StepFunctions } from '../../../functions/aws/step-functions.ts';
import type { ClusterStanding } from '../../../functions/core/fleet/schedule-plan.ts';

/** Settings of a deployment that does everything by itself. */
export const SETTINGS = {
  target: { mode: 'ipvs', scheduler: 'rr' },
  window: 'weekend',
  acknowledge: ['ipvs-deprecated'],
  enrolment: 'tagged',
  newClusters: 'enforce',
  drift: 'migrate',
};

const ADA = 'arn:aws:sts::111122223333:assumed-role/platform/ada';

/** The record of an EKS API call, as CloudTrail and EventBridge deliver it. */
export const recordedCall = (eventName: string, requestParameters: unknown, more: object = {}) => ({
  version: '0',
  id: 'a8a0fd35-6c0c-2b5c-8bb4-d3a1e6cbd5cf',
  'detail-type': 'AWS API Call via CloudTrail',
  source: 'aws.eks',
  account: '111122223333',
  time: '2026-11-20T22:00:00Z',
  region: 'us-east-1',
  resources: [],
  detail: {
    eventVersion: '1.11',
    userIdentity: { type: 'AssumedRole', principalId: 'AROAEXAMPLE:ada', arn: ADA },
    eventTime: '2026-11-20T21:59:41Z',
    eventSource: 'eks.amazonaws.com',
    eventName,
    awsRegion: 'us-east-1',
    requestParameters,
    responseElements: null,
    eventID: '5b2c0d0e-0d6c-4c8e-9c57-2d54c2f6f3a1',
    readOnly: false,
    eventType: 'AwsApiCall',
    ...more,
  },
});

export const created = (parameters: object = {}, more: object = {}) =>
  recordedCall('CreateCluster', { name: 'demo', version: '1.34', ...parameters }, more);

type Started = Parameters<StepFunctions['start']>[0];

/** Step Functions that remember what was started, each name once. */
export function recording() {
  const started: Started[] = [];
  const stepFunctions: Pick<StepFunctions, 'start'> = {
    async start(execution) {
      if (started.some(({ name }) => name === execution.name)) return { started: false };
      started.push(execution);
      return { started: true };
    },
  };
  const migrate = () => 'arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-migrate-cluster:live';
  return { started, deps: { stepFunctions, migrate } };
}

/** An enrolled cluster whose add-on is configured for the target. */
export const COMPLIANT: ClusterStanding = {
  name: 'demo',
  status: 'ACTIVE',
  autoMode: false,
  tags: { 'nightshift:enrolled': 'true' },
  addon: { configuration: '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}' },
};

export const running = (instanceId: string, time: string) => ({
  version: '0',
  id: '7bf73129-1428-4cd3-a780-95db273d1602',
  'detail-type': 'EC2 Instance State-change Notification',
  source: 'aws.ec2',
  account: '111122223333',
  time,
  region: 'us-east-1',
  resources: [`arn:aws:ec2:us-east-1:111122223333:instance/${instanceId}`],
  detail: { 'instance-id': instanceId, state: 'running' },
});

/** A record of a call about an add-on of the cluster demo. */
export const addonCall = (eventName: string, parameters: object = {}, more: object = {}) =>
  recordedCall(eventName, { name: 'demo', addonName: 'kube-proxy', ...parameters }, more);

/** EKS's own event about an add-on of the cluster demo. */
export const addonEvent = (what: string, detail: object = {}) => ({
  version: '0',
  id: '1d2f3a4b-0c0d-4e4f-8a8b-9c9d0e0f1a1b',
  'detail-type': `EKS Addon ${what}`,
  source: 'aws.eks',
  account: '111122223333',
  time: '2026-11-20T22:01:00Z',
  region: 'us-east-1',
  resources: ['arn:aws:eks:us-east-1:111122223333:addon/demo/kube-proxy/0ab1'],
  detail: { clusterName: 'demo', addonName: 'kube-proxy', ...detail },
});
