import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  DeleteScheduleCommand,
  GetScheduleCommand,
  paginateListSchedules,
  SchedulerClient,
} from '@aws-sdk/client-scheduler';
import { Workflow } from './run.ts';
import { CLUSTER, WEEKEND } from './worlds.ts';

/** What a function answered, or the name and the message of its error. */
export type Answer = { answer: unknown } | { error: string; message: string };

export const GROUP = 'nightshift-migrations';
/** Friday evening in New York, nine hours before the window. */
export const NOW = '2026-11-20T22:00:00Z';
export const ENROLLED = { 'nightshift:enrolled': 'true' };

/** A world with clusters of these names and changes. */
export function fleetOf(clusters: object[], more: object = {}) {
  return {
    account: '111122223333',
    region: 'us-east-1',
    start: NOW,
    seed: 7,
    clusters: clusters.map((cluster) => ({ ...CLUSTER, tags: ENROLLED, ...cluster })),
    windows: { weekend: WEEKEND, sunday: { ...WEEKEND, schedule: 'cron(0 2 ? * SUN *)' } },
    ...more,
  };
}

/** EKS's TagResource as EventBridge delivers it from CloudTrail. */
export const tagged = (cluster: string, eventName = 'TagResource') => ({
  version: '0',
  id: 'b2f7a3c1-6f0d-4b8e-9a53-2f6d0f1c7e11',
  source: 'aws.eks',
  'detail-type': 'AWS API Call via CloudTrail',
  time: NOW,
  detail: {
    eventSource: 'eks.amazonaws.com',
    eventName,
    eventID: '5f0f3c0a-4d0e-4c8e-8a53-2f6d0f1c7e22',
    userIdentity: { arn: 'arn:aws:iam::111122223333:user/alice' },
    requestParameters: { resourceArn: `arn%3Aaws%3Aeks%3Aus-east-1%3A111122223333%3Acluster%2F${cluster}` },
  },
});

/** A sandbox in which functions are called, and schedules seen, through AWS's APIs while time stands still. */
export class Schedules {
  readonly workflow: Workflow;
  readonly #lambda: LambdaClient;
  readonly #scheduler: SchedulerClient;

  private constructor(workflow: Workflow) {
    const credentials = { accessKeyId: 'tester', secretAccessKey: 'tester' };
    const options = { endpoint: workflow.sandbox.endpoint, region: 'us-east-1', credentials };
    this.workflow = workflow;
    this.#lambda = new LambdaClient(options);
    this.#scheduler = new SchedulerClient(options);
  }

  /** `template`: what is deployed in place of the sandbox's own installation. */
  static async start(template?: unknown): Promise<Schedules> {
    return new Schedules(await Workflow.start(fleetOf([{}]), 'model', { template }));
  }

  get #clock() {
    return this.workflow.sandbox.live.region.clock;
  }

  /** Does this in a new world, in whose time nothing else happens meanwhile. */
  async still<Result>(world: Record<string, unknown>, work: () => Promise<Result>): Promise<Result> {
    await this.workflow.load(world);
    const result = await this.#clock.busy(work);
    this.workflow.expectAllowed();
    return result;
  }

  /** Lets time run until nothing is left to happen. */
  async rest(): Promise<void> {
    await this.#clock.idle();
    this.workflow.expectAllowed();
  }

  async invoke(handler: string, event: unknown): Promise<Answer> {
    const { Payload, FunctionError } = await this.#lambda.send(
      new InvokeCommand({ FunctionName: `nightshift-${handler}`, Payload: JSON.stringify(event) }),
    );
    const answer = JSON.parse(Payload?.transformToString() ?? 'null');
    return FunctionError === undefined ? { answer } : { error: answer.errorType, message: answer.errorMessage };
  }

  /** Asynchronously, as a service does: resolves when Lambda has taken the event. */
  async invokeLater(handler: string, event: unknown): Promise<void> {
    await this.#lambda.send(
      new InvokeCommand({
        FunctionName: `nightshift-${handler}`,
        InvocationType: 'Event',
        Payload: JSON.stringify(event),
      }),
    );
  }

  sweep(more: object = {}): Promise<Answer> {
    return this.invoke('schedule-migrations', { kind: 'sweep', now: NOW, ...more });
  }

  tag(cluster: string, tags: Record<string, string>): Promise<Answer> {
    const found = this.workflow.sandbox.live.region.clusters.get(cluster);
    if (found) found.tags = tags;
    return this.invoke('on-cluster-tagged', tagged(cluster));
  }

  /** `name expression timezone` of every schedule that is to migrate something, by name. */
  async planned(): Promise<string[]> {
    const planned: string[] = [];
    for await (const page of paginateListSchedules({ client: this.#scheduler }, { GroupName: GROUP }))
      for (const { Name } of page.Schedules ?? []) {
        const { ScheduleExpression, ScheduleExpressionTimezone } = await this.find(Name);
        planned.push(`${Name} ${ScheduleExpression} ${ScheduleExpressionTimezone}`);
      }
    return planned;
  }

  find(name: string | undefined) {
    return this.#scheduler.send(new GetScheduleCommand({ GroupName: GROUP, Name: name }));
  }

  /** As a person does in the console. */
  async cancel(name: string): Promise<void> {
    await this.#scheduler.send(new DeleteScheduleCommand({ GroupName: GROUP, Name: name }));
  }

  stop(): Promise<void> {
    this.#lambda.destroy();
    this.#scheduler.destroy();
    return this.workflow.stop();
  }
}
