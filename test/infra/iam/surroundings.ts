import type { Need } from '@nightshift/sandbox/iam';

/** What the needs of a call depend on besides its input. */
export interface Surroundings {
  readonly account: string;
  readonly region: string;
  /** Tags of an instance. */
  readonly instanceTags: (id: string) => Readonly<Record<string, string>>;
  /** ARN of the KMS key that a bucket encrypts with; undefined where it is S3's own. */
  readonly bucketKey: (bucket: string) => string | undefined;
}

export interface Call {
  readonly service: string;
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly error?: string | undefined;
}

export type Needs = (call: Call, around: Surroundings) => Need[];

export const need = (action: string, resource: string, context: Need['context'] = {}): Need => ({
  action,
  resource,
  context,
});

export const arn = (service: string, { account, region }: Surroundings, rest: string): string =>
  `arn:aws:${service}:${region}:${account}:${rest}`;

/** Empty for a member that is not there: no policy names such a resource. */
export const text = (input: Call['input'], member: string): string => String(input[member] ?? '');

export const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** A value's members; none where it has none. */
export const asRecord = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
