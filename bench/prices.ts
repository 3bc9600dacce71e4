import { FUNCTIONS } from '../infra/functions.ts';
import { type Counts, total } from './runs/counts.ts';

/** What AWS charges for one of something. */
interface Price {
  what: string;
  dollars: number;
  source: string;
}

/** When the prices below were read, and where they hold. No free tier is taken off. */
export const PRICES_OF = { day: '2026-11-29', region: 'us-east-1' };

/** List prices in US dollars for one unit. */
export const PRICES = {
  transition: {
    what: 'state transitions (Standard)',
    dollars: 0.025 / 1_000,
    source: 'https://aws.amazon.com/step-functions/pricing/',
  },
  request: { what: 'Lambda requests', dollars: 0.2 / 1e6, source: 'https://aws.amazon.com/lambda/pricing/' },
  gbSecond: {
    what: 'Lambda GB-seconds (arm64)',
    dollars: 0.000_013_333_4,
    source: 'https://aws.amazon.com/lambda/pricing/',
  },
  s3Write: { what: 'S3 PUT and LIST', dollars: 0.005 / 1_000, source: 'https://aws.amazon.com/s3/pricing/' },
  s3Read: { what: 'S3 GET', dollars: 0.0004 / 1_000, source: 'https://aws.amazon.com/s3/pricing/' },
  kms: {
    what: 'KMS requests, at most one for each S3 request',
    dollars: 0.03 / 10_000,
    source: 'https://aws.amazon.com/kms/pricing/',
  },
  event: { what: 'EventBridge custom events', dollars: 1 / 1e6, source: 'https://aws.amazon.com/eventbridge/pricing/' },
  schedule: {
    what: 'EventBridge Scheduler, at most one invocation for each schedule',
    dollars: 1 / 1e6,
    source: 'https://aws.amazon.com/eventbridge/pricing/',
  },
  logGb: {
    what: 'CloudWatch Logs, GB ingested',
    dollars: 0.5,
    source: 'https://aws.amazon.com/cloudwatch/pricing/',
  },
  runCommand: {
    what: 'SSM Run Command on EC2, and standard parameters',
    dollars: 0,
    source: 'https://aws.amazon.com/systems-manager/pricing/',
  },
} satisfies Record<string, Price>;

export type Priced = keyof typeof PRICES;

const isPriced = (name: string): name is Priced => Object.hasOwn(PRICES, name);

/** The names of what is priced, in the order of the table. */
export const PRICED: readonly Priced[] = Object.keys(PRICES).filter(isPriced);

const isHandler = (name: string): name is keyof typeof FUNCTIONS => Object.hasOwn(FUNCTIONS, name);

/** GB-seconds of invocations that take `seconds` each, with the memory that is deployed. Throws for an unknown function. */
export function gbSeconds(invocations: Counts['invocations'], seconds: number): number {
  return Object.entries(invocations).reduce((sum, [name, count]) => {
    if (!isHandler(name)) throw new Error(`no function ${name} is deployed`);
    return sum + (FUNCTIONS[name].memory / 1024) * count * seconds;
  }, 0);
}

/** How many of each priced thing a run takes; `seconds` is what one invocation takes. */
export function quantities(counts: Counts, seconds: number): Record<Priced, number> {
  const { calls, invocations, transitions, logBytes } = counts;
  const s3Write = total(calls, /^s3:(PutObject|ListObjectsV2)$/);
  const s3Read = total(calls, /^s3:(GetObject|HeadObject)$/);
  return {
    transition: transitions,
    request: total(invocations),
    gbSecond: gbSeconds(invocations, seconds),
    s3Write,
    s3Read,
    kms: s3Write + s3Read,
    event: total(calls, /^events:PutEvents$/),
    schedule: total(calls, /^scheduler:CreateSchedule$/),
    logGb: logBytes / 1e9,
    runCommand: total(calls, /^ssm:/),
  };
}

/** US dollars of these quantities. */
export function dollars(of: Readonly<Record<Priced, number>>): number {
  return PRICED.reduce((sum, name) => sum + of[name] * PRICES[name].dollars, 0);
}
