import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { InvalidConfiguration, InvalidRequest, isNightshiftError } from '../functions/core/errors.ts';
import { parseSettings, type Settings } from '../functions/core/fleet/settings.ts';
import { type Fleet, parseFleet } from '../functions/core/fleet/stages.ts';
import { KUBERNETES_GROUP } from '../functions/core/preflight/access-manifest.ts';
import { parseInput } from '../functions/core/values/parse-input.ts';
import { parseWindow, type Window } from '../functions/core/window/window.ts';

/** The configuration of one deployment (an account and Region): the checked nightshift.config.json. */
export interface Config {
  windows: Record<string, Window>;
  settings: Settings;
  /** The stages in which enrolled clusters are migrated; null: each cluster by its own schedule. */
  fleet: Fleet | null;
  /**
   * `emails`: addresses that are notified of failures. `centralBusArn`: a bus that also gets every nightshift event.
   */
  notifications: { emails: string[]; centralBusArn: string | null };
  /** The VPC of the functions that call Kubernetes; null: outside any VPC, for public API servers. */
  vpc: { subnetIds: string[]; securityGroupIds: string[] } | null;
  /**
   * The Kubernetes group that the access entry has, with the rights that the cluster's own Roles give to it
   * (`nightshift access-manifest`); null: EKS's access policies, whose edit rights are wider.
   */
  kubernetesGroup: string | null;
  /**
   * An instance with one of these tags, whatever its value, is a cluster's node. Documents may run only on such
   * instances.
   */
  nodeTags: string[];
  /** Days. Logs are deleted after them; evidence cannot be deleted earlier, and is deleted then. */
  retentionDays: { logs: number; evidence: number };
  /**
   * The bucket with the functions' code, for deployments to many accounts; null: the account's own bootstrap bucket.
   */
  assetsBucket: string | null;
  /** The tags of every resource. */
  tags: Record<string, string>;
}

/** The retentions that CloudWatch Logs allows, in days: PutRetentionPolicy accepts no other number. */
const LOG_DAYS: readonly number[] = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

// A function's environment variables may have 4 KB in all.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const LONGEST_VARIABLES = 2_800;

const listOf = (what: string, pattern: RegExp, max: number) =>
  z
    .array(z.string({ error: `must be ${what}` }).check(z.regex(pattern, `must be ${what}`)), {
      error: `must be a list of at most ${max}, each ${what}`,
    })
    .check(z.maxLength(max, `must be a list of at most ${max}`));

const object = 'must be a JSON object';
const unlessUnknownField = (rule: string) => (issue: { code?: string | undefined }) =>
  issue.code === 'unrecognized_keys' ? undefined : rule;
const strict = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, { error: unlessUnknownField(object) });

const evidenceDays = 'must be a whole number of days, 1 to 3650';
const logDays = `must be a number of days that CloudWatch Logs knows: ${LOG_DAYS.join(', ')}`;
const busArn = 'must be the ARN of an event bus, or null';
const bucket = 'must be the name of a bucket, in which ${AWS::AccountId} and ${AWS::Region} are filled in, or null';
const group =
  'must be the name of a Kubernetes group (1 to 63 letters, digits, dots, colons, slashes, dashes or underscores, not beginning with system:), or null';
const tagValue = 'must be a text of at most 256 characters';

const FileInput = strict({
  // Used by editors only.
  $schema: z.optional(z.string()),
  windows: z.record(z.string().check(z.regex(/^[\w.-]{1,64}$/)), z.unknown(), {
    error: 'must be a JSON object of windows by name, each name 1 to 64 letters, digits, dots, dashes or underscores',
  }),
  settings: z.unknown(),
  fleet: z._default(z.unknown(), null),
  notifications: z._default(
    strict({
      emails: z._default(listOf('an e-mail address', /^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+$/, 50), []),
      centralBusArn: z._default(
        z.nullable(
          z
            .string({ error: busArn })
            .check(z.regex(/^arn:[\w-]+:events:[\w-]+:\d{12}:event-bus\/[\w./-]{1,256}$/, busArn)),
        ),
        null,
      ),
    }),
    { emails: [], centralBusArn: null },
  ),
  vpc: z._default(
    z.nullable(
      strict({
        subnetIds: listOf('the id of a subnet', /^subnet-[0-9a-f]{8,17}$/, 16).check(
          z.minLength(1, 'must name at least one subnet'),
        ),
        securityGroupIds: listOf('the id of a security group', /^sg-[0-9a-f]{8,17}$/, 5).check(
          z.minLength(1, 'must name at least one security group'),
        ),
      }),
    ),
    null,
  ),
  kubernetesGroup: z._default(z.nullable(z.string({ error: group }).check(z.regex(KUBERNETES_GROUP, group))), null),
  nodeTags: z._default(
    listOf('the key of a tag', /^[\w.:/=+@-]{1,128}$/, 20).check(z.minLength(1, 'must name at least one tag')),
    ['aws:eks:cluster-name', 'eks:eks-cluster-name'],
  ),
  retentionDays: z._default(
    strict({
      logs: z.int({ error: logDays }).check(z.refine((days) => LOG_DAYS.includes(days), logDays)),
      evidence: z.int({ error: evidenceDays }).check(z.gte(1, evidenceDays), z.lte(3650, evidenceDays)),
    }),
    { logs: 90, evidence: 365 },
  ),
  assetsBucket: z._default(
    z.nullable(
      z.string({ error: bucket }).check(z.regex(/^(?:[a-z0-9.-]|\$\{AWS::(?:AccountId|Region)\}){3,120}$/, bucket)),
    ),
    null,
  ),
  tags: z._default(
    z.record(
      z.string().check(z.regex(/^(?!aws:)[\w .:/=+@-]{1,128}$/)),
      z.string({ error: tagValue }).check(z.maxLength(256, tagValue)),
      { error: 'must be a JSON object of tags, none of which begins with aws:' },
    ),
    {},
  ),
});

/**
 * Checks a configuration with the functions' own parsers. Windows and settings are required. By default nobody is
 * notified by e-mail, no VPC is used, logs stay 90 days and evidence 365.
 * @throws InvalidConfiguration naming field and rule
 */
export function parseConfig(value: unknown): Config {
  const { $schema: _, ...file } = inField('', () => parseInput(FileInput, value, 'The configuration'));
  const windows = Object.fromEntries(
    Object.entries(file.windows).map(([name, window]) => [name, inField(`windows.${name}`, () => parseWindow(window))]),
  );
  const settings = inField('settings', () => parseSettings(file.settings));
  const fleet = file.fleet === null ? null : inField('fleet', () => parseFleet(file.fleet));
  if (!Object.hasOwn(windows, settings.window))
    throw invalid(
      `settings.window must be the name of one of the windows (${Object.keys(windows).join(', ') || 'there is none'}), ` +
        `but it is ${JSON.stringify(settings.window)}.`,
    );
  const stages = fleet === null ? '' : JSON.stringify(fleet);
  const characters = JSON.stringify(windows).length + JSON.stringify(settings).length + stages.length;
  if (characters > LONGEST_VARIABLES)
    throw invalid(
      `windows, settings and fleet must have at most ${LONGEST_VARIABLES} characters as JSON, but they have ${characters}.`,
    );
  return { ...file, windows, settings, fleet };
}

/** Reads and checks the file. Throws InvalidConfiguration; if the file cannot be read, the error names it. */
export function readConfig(file: string | URL): Config {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw invalid(`${String(file)} cannot be read as JSON: ${error instanceof Error ? error.message : error}.`, error);
  }
  return parseConfig(value);
}

function inField<Value>(field: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof InvalidRequest || isNightshiftError(error))) throw error;
    throw invalid(field === '' ? error.message : `${field}: ${error.message}`, error);
  }
}

function invalid(message: string, cause?: unknown): InvalidConfiguration {
  const nextStep = 'Correct nightshift.config.json.';
  return new InvalidConfiguration(message, cause === undefined ? { nextStep } : { nextStep, cause });
}
