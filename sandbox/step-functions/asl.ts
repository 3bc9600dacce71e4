import { z } from 'zod';
import type { Json } from './json.ts';

/** A field that is a JSONata expression as a whole string, or a value of its own. */
const expression = z.string().regex(/^\{%[\s\S]*%\}$/, 'must be a JSONata expression {% … %}');
const json: z.ZodType<Json> = z.json();
const seconds = z.int().min(1).max(99_999_999);

const described = { QueryLanguage: z.literal('JSONata').optional(), Comment: z.string().optional() };
const transition = { Next: z.string().optional(), End: z.literal(true).optional() };
const assign = z.record(z.string(), json).optional();
const data = { Assign: assign, Output: json.optional() };

const retrier = z.strictObject({
  Comment: z.string().optional(),
  ErrorEquals: z.array(z.string()).min(1),
  IntervalSeconds: z.int().min(1).max(99_999_999).default(1),
  MaxAttempts: z.int().min(0).max(99_999_999).default(3),
  BackoffRate: z.number().min(1).default(2),
  MaxDelaySeconds: z.int().min(1).max(31_622_400).optional(),
  JitterStrategy: z.enum(['FULL', 'NONE']).default('NONE'),
});
const catcher = z.strictObject({
  Comment: z.string().optional(),
  ErrorEquals: z.array(z.string()).min(1),
  Next: z.string(),
  ...data,
});
const recovery = { Retry: z.array(retrier).default([]), Catch: z.array(catcher).default([]) };

export const task = z.strictObject({
  Type: z.literal('Task'),
  ...described,
  ...transition,
  ...data,
  ...recovery,
  Resource: z.string(),
  Arguments: z.union([z.record(z.string(), json), expression]),
  TimeoutSeconds: z.union([seconds, expression]).optional(),
  HeartbeatSeconds: z.union([seconds, expression]).optional(),
});
const wait = z.strictObject({
  Type: z.literal('Wait'),
  ...described,
  ...transition,
  ...data,
  Seconds: z.union([z.int().min(0).max(99_999_999), expression]).optional(),
  Timestamp: z.string().optional(),
});
const choiceRule = z.strictObject({
  Comment: z.string().optional(),
  Condition: z.union([expression, z.boolean()]),
  Next: z.string(),
  ...data,
});
const choice = z.strictObject({
  Type: z.literal('Choice'),
  ...described,
  ...data,
  Choices: z.array(choiceRule).min(1),
  Default: z.string().optional(),
});
const pass = z.strictObject({ Type: z.literal('Pass'), ...described, ...transition, ...data });
const succeed = z.strictObject({ Type: z.literal('Succeed'), ...described, Output: json.optional() });
const fail = z.strictObject({
  Type: z.literal('Fail'),
  ...described,
  Error: z.string().optional(),
  Cause: z.string().optional(),
});
/** What only a distributed Map takes. */
const distributed = {
  Label: z
    .string()
    .regex(
      /^[^\s?*<>{}[\]:;,\\|^~$#%&`"/\p{Cc}]{1,40}$/u,
      'must be 1 to 40 characters without spaces, brackets or wildcards',
    )
    .optional(),
  ToleratedFailureCount: z.union([z.int().min(0), expression]).optional(),
  ToleratedFailurePercentage: z.union([z.number().min(0).max(100), expression]).optional(),
  ItemReader: z
    .strictObject({
      Resource: z.literal('arn:aws:states:::s3:getObject'),
      Arguments: z.union([z.strictObject({ Bucket: z.string(), Key: z.string() }), expression]),
      ReaderConfig: z.strictObject({
        InputType: z.literal('JSON'),
        MaxItems: z.union([z.int().min(0), expression]).optional(),
      }),
    })
    .optional(),
  ItemBatcher: z
    .strictObject({
      MaxItemsPerBatch: z.union([z.int().min(1), expression]).optional(),
      MaxInputBytesPerBatch: z.union([z.int().min(1).max(262_144), expression]).optional(),
      BatchInput: json.optional(),
    })
    .optional(),
  ResultWriter: z
    .strictObject({
      Resource: z.literal('arn:aws:states:::s3:putObject').optional(),
      Arguments: z
        .union([z.strictObject({ Bucket: z.string(), Prefix: z.string().optional() }), expression])
        .optional(),
      WriterConfig: z
        .strictObject({
          Transformation: z.enum(['NONE', 'COMPACT', 'FLATTEN']),
          OutputType: z.enum(['JSON', 'JSONL']),
        })
        .optional(),
    })
    .optional(),
};
/** Names of the fields that an inline Map must not have. */
export const DISTRIBUTED_FIELDS = Object.keys(distributed);
const map = z.strictObject({
  Type: z.literal('Map'),
  ...distributed,
  ...described,
  ...transition,
  ...data,
  ...recovery,
  Items: z.union([z.array(json), expression]).optional(),
  ItemSelector: z.union([z.record(z.string(), json), expression]).optional(),
  MaxConcurrency: z.union([z.int().min(0), expression]).optional(),
  ItemProcessor: z.strictObject({
    Comment: z.string().optional(),
    ProcessorConfig: z.discriminatedUnion('Mode', [
      z.strictObject({ Mode: z.literal('INLINE') }),
      z.strictObject({ Mode: z.literal('DISTRIBUTED'), ExecutionType: z.literal('STANDARD') }),
    ]),
    StartAt: z.string(),
    States: z.record(z.string(), z.unknown()),
  }),
});

export const stateSchemas = {
  Task: task,
  Wait: wait,
  Choice: choice,
  Pass: pass,
  Succeed: succeed,
  Fail: fail,
  Map: map,
};

export const machineSchema = z.strictObject({
  Comment: z.string().optional(),
  Version: z.literal('1.0').optional(),
  QueryLanguage: z.literal('JSONata'),
  TimeoutSeconds: seconds.optional(),
  StartAt: z.string(),
  States: z.record(z.string(), z.unknown()),
});

export type Retrier = z.infer<typeof retrier>;
export type Catcher = z.infer<typeof catcher>;
export type TaskState = z.infer<typeof task>;
export type WaitState = z.infer<typeof wait>;
export type ChoiceState = z.infer<typeof choice>;
export type PassState = z.infer<typeof pass>;
export type SucceedState = z.infer<typeof succeed>;
export type FailState = z.infer<typeof fail>;
/** `processor` is the parsed ItemProcessor. */
export type MapState = z.infer<typeof map> & { processor: Graph };
export type State = TaskState | WaitState | ChoiceState | PassState | SucceedState | FailState | MapState;

/** The states between an entry and their ends: a state machine's own, or those of one Map iteration. */
export interface Graph {
  readonly startAt: string;
  readonly states: ReadonlyMap<string, State>;
}

export interface Definition {
  readonly graph: Graph;
  readonly timeoutSeconds: number | undefined;
}
