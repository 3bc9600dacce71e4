import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { S3 } from '@aws-sdk/client-s3';
import { SFN } from '@aws-sdk/client-sfn';
import { SQS } from '@aws-sdk/client-sqs';
import { EventBuses, eventsService } from '../../services/events.ts';
import { s3Service } from '../../services/s3.ts';
import { Queues } from '../../services/sqs/queues.ts';
import { sqsService } from '../../services/sqs.ts';
import { Topics } from '../../services/topics.ts';
import { StepFunctions } from '../../step-functions/engine.ts';
import { stepFunctionsService } from '../../step-functions/service.ts';
import type { InvokeFunction } from '../../step-functions/world.ts';
import { TestRegion } from '../services/region.ts';

const roleArn = 'arn:aws:iam::111122223333:role/fleet';
const run = promisify(execFile);

/** Step Functions behind real HTTP, with the services that its state machines call, on a virtual clock. */
export class ServedRegion extends TestRegion {
  readonly topics = new Topics(this.region, this.calls);
  /** What went wrong in the interpreter itself. */
  readonly broken: unknown[] = [];
  readonly events: { 'detail-type': string; detail: unknown }[] = [];
  readonly engine: StepFunctions;
  /** Rights that the state machines' role lacks, as `action resource`; a test adds them. */
  readonly lacking = new Set<string>();
  invoke: InvokeFunction = () => Promise.resolve({ payload: null });
  #endpoint = '';

  constructor() {
    super();
    const { dispatcher } = this;
    dispatcher.register('s3', s3Service(this.region, { buckets: ['fleet'] }));
    dispatcher.register(
      'events',
      eventsService(new EventBuses(this.region, { onEvent: (event) => this.events.push(event) })),
    );
    this.engine = new StepFunctions({
      region: this.region,
      invokeFunction: (...call) => this.invoke(...call),
      callService: (call) => dispatcher.call(call),
      publish: async (arn, message, caller) => this.topics.publish(arn, message, caller),
      mayCall: (_role, { action, resource }) => !this.lacking.has(`${action} ${resource}`),
      onBug: (error) => this.broken.push(error),
    });
    dispatcher.register('states', stepFunctionsService(this.engine));
  }

  /** Listens; answers SDK clients. */
  async open() {
    const config = await this.listen();
    this.#endpoint = config.endpoint;
    this.dispatcher.register('sqs', sqsService(this.region, new Queues(this.region), config.endpoint));
    return { sfn: new SFN(config), s3: new S3({ ...config, forcePathStyle: true }), sqs: new SQS(config) };
  }

  /** Runs the stock `aws` and answers its JSON. */
  async aws(...words: string[]) {
    const env = {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      AWS_ENDPOINT_URL: this.#endpoint,
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'y',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_MAX_ATTEMPTS: '1',
    };
    const { stdout } = await run('aws', [...words, '--output', 'json'], { env });
    return stdout.trim() === '' ? null : JSON.parse(stdout);
  }
}

/** Creates the state machine `name` out of one state and starts `run-1` of it. */
export async function startOnly(
  sfn: SFN,
  state: Record<string, unknown>,
  input: unknown = {},
  name = 'fleet',
): Promise<string> {
  return startStates(sfn, { Only: { End: true, ...state } }, 'Only', input, name);
}

/** Creates the state machine `name` and starts `run-1` of it; answers the execution's ARN. */
export async function startStates(
  sfn: SFN,
  States: Record<string, unknown>,
  StartAt: string,
  input: unknown = {},
  name = 'fleet',
): Promise<string> {
  const definition = JSON.stringify({ QueryLanguage: 'JSONata', StartAt, States });
  const { stateMachineArn } = await sfn.createStateMachine({ name, definition, roleArn });
  const { executionArn } = await sfn.startExecution({ stateMachineArn, name: 'run-1', input: JSON.stringify(input) });
  return String(executionArn);
}

/** A distributed Map over the state's input. */
export function distributed(States: Record<string, unknown>, fields: Record<string, unknown> = {}) {
  return {
    Type: 'Map',
    Label: 'Clusters',
    ...('ItemReader' in fields ? {} : { Items: '{% $states.input %}' }),
    ItemProcessor: {
      ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
      StartAt: Object.keys(States)[0],
      States,
    },
    ...fields,
  };
}
