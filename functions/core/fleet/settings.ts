import * as z from 'zod/mini';
import { InvalidConfiguration } from '../errors.ts';
import { Acknowledged, TargetInput, WindowName } from '../execution/request.ts';
import { GuardSettings, NO_GUARDS } from '../guards/alarms.ts';
import type { Target } from '../modes/proxy-mode.ts';
import type { CheckName } from '../preflight/names.ts';
import { readWith } from '../values/parse-input.ts';

/** What this deployment does where nobody asked for a single cluster: one for each account and Region. */
export interface Settings {
  /** What an enrolled cluster should run, unless its tag names another scheduler. */
  target: Target;
  /** Name of the window of a cluster whose tags name none. */
  window: string;
  /** Risks accepted for every migration that nightshift starts by itself, by the names of the preflight checks. */
  acknowledge: CheckName[];
  /** `tagged`: only clusters that are tagged as enrolled. `all`: every cluster that is not tagged out. */
  enrolment: 'tagged' | 'all';
  /** Whether a cluster that was just created is brought to the target by itself. */
  newClusters: 'enforce' | 'ignore';
  /** What follows where others take an enrolled cluster off its target: a word, or a word and a migration. */
  drift: 'migrate' | 'notify';
  /** In one window `atOnce` clusters start together, the next ones `minutes` later. */
  stagger: { minutes: number; atOnce: number };
  /** CloudWatch alarms that stop every migration; a cluster's own tag adds to them. */
  guards: GuardSettings;
  /** How many clusters of one night may fail before the night's others are held. */
  tolerate: number;
}

const oneOf = <const Values extends readonly string[]>(...values: Values) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` });

const minutes = 'must be a whole number of minutes, 1 to 1440';
const atOnce = 'must be a whole number of clusters, 1 to 100';
const tolerate = 'must be a whole number of clusters, 0 to 1000';
const stagger = 'must be an object {"minutes": 10, "atOnce": 5}';

const SettingsInput = z.strictObject(
  {
    target: TargetInput,
    window: WindowName,
    acknowledge: Acknowledged,
    enrolment: z._default(oneOf('tagged', 'all'), 'tagged'),
    newClusters: z._default(oneOf('enforce', 'ignore'), 'enforce'),
    drift: z._default(oneOf('migrate', 'notify'), 'notify'),
    stagger: z._default(
      z.strictObject(
        {
          minutes: z.int({ error: minutes }).check(z.gte(1, minutes), z.lte(1440, minutes)),
          atOnce: z.int({ error: atOnce }).check(z.gte(1, atOnce), z.lte(100, atOnce)),
        },
        { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : stagger) },
      ),
      { minutes: 10, atOnce: 5 },
    ),
    guards: z._default(GuardSettings, NO_GUARDS),
    tolerate: z._default(z.int({ error: tolerate }).check(z.gte(0, tolerate), z.lte(1000, tolerate)), 1),
  },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : 'must be a JSON object') },
);

/**
 * Parses a deployment's settings. A target and a window must be given; without the others only tagged clusters are
 * enrolled, new clusters are enforced, drift is reported, five clusters start every ten minutes, one cluster of a night may
 * fail, and no alarm guards them. Unknown fields are refused.
 * @throws InvalidConfiguration naming field and rule
 */
export function parseSettings(value: unknown): Settings {
  const parsed = readWith(SettingsInput, value, 'The settings');
  if (parsed.kind === 'parsed') return parsed.data;
  throw new InvalidConfiguration(parsed.sentence, { nextStep: 'Correct the configuration and deploy again.' });
}
