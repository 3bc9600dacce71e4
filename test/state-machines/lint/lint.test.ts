import { expect, test } from 'vitest';
import { lintStateMachine } from '../../../state-machines/lint/lint.ts';
import { aslValidatorMessages } from '../asl-validator.ts';

const LAMBDA = ['Lambda.ServiceException', 'Lambda.AWSLambdaException', 'Lambda.SdkClientException'];
const TOO_MANY = ['Lambda.TooManyRequestsException', 'ThrottlingException', 'TooManyRequestsException'];
const TRANSIENT = [{ ErrorEquals: [...LAMBDA, ...TOO_MANY, 'States.Timeout'], MaxAttempts: 4 }];
const retries = (prefix: string, ...names: string[]) => ({
  ErrorEquals: [...names, prefix, 'SdkClient'].map((name) => `${prefix}.${name}Exception`),
});
const SILENCE = { ErrorEquals: ['States.Timeout'] };
const SERVICES = [
  retries('Eks', 'Throttling', 'Server', 'ServiceUnavailable'),
  retries('Scheduler', 'Throttling', 'InternalServer'),
  retries('S3'),
  SILENCE,
];

const options = {
  functions: ['inspect-cluster', 'run-on-nodes'],
  errors: ['NodesNotPrepared', 'ThrottlingException', 'TooManyRequestsException'],
  placeholders: ['InspectClusterFunction', 'RunOnNodesFunction', 'Partition'],
  phases: [],
};

const ALL = { ErrorEquals: ['States.ALL'], Next: 'Done' };
const LARGE = { ErrorEquals: ['States.DataLimitExceeded'], Next: 'Done' };

const inspect = (fields: Record<string, unknown> = {}) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName: '${InspectClusterFunction}', Payload: { now: '{% $states.context.State.EnteredTime %}' } },
  TimeoutSeconds: 60,
  Retry: TRANSIENT,
  Catch: [ALL],
  Next: 'Done',
  ...fields,
});

const sdk = (resource: string, args: unknown, fields: Record<string, unknown> = {}) =>
  inspect({
    Resource: `arn:aws:states:::aws-sdk:${resource}`,
    Arguments: args,
    Retry: SERVICES,
    Catch: [LARGE, ALL],
    ...fields,
  });

const machine = (first: unknown, more: Record<string, unknown> = {}, fields: Record<string, unknown> = {}) => ({
  Comment: 'A machine for the lint',
  QueryLanguage: 'JSONata',
  TimeoutSeconds: 3600,
  StartAt: 'First',
  States: { First: first, ...more, Done: { Type: 'Succeed' } },
  ...fields,
});

const found = (definition: unknown) => lintStateMachine(definition, options).map(({ path, rule }) => [rule, path]);

test('a sound definition has no findings, here and in asl-validator', () => {
  const definition = machine(
    inspect({
      Assign: { nodes: '{% $states.result.Payload.nodes %}', batch: '{% $map([1], function($n){ $n + 1 }) %}' },
      Catch: [
        {
          ErrorEquals: ['NodesNotPrepared', 'States.Timeout'],
          Assign: { nodes: 0, failure: '{% $states.errorOutput %}' },
          Next: 'Pick',
        },
        { ErrorEquals: ['States.ALL'], Assign: { nodes: 0 }, Next: 'Pick' },
      ],
      Next: 'Pick',
    }),
    {
      Pick: {
        Type: 'Choice',
        Choices: [{ Condition: '{% $nodes > 2 and $count($states.input.list[type = "x"]) = 0 %}', Next: 'Ask' }],
        Default: 'Done',
      },
      Ask: sdk(
        'eks:describeUpdate',
        { Name: '{% $states.context.Execution.Input.cluster %}', UpdateId: '{% $string($nodes) %}' },
        {
          Resource: 'arn:${Partition}:states:::aws-sdk:eks:describeUpdate',
        },
      ),
    },
  );
  expect(lintStateMachine(definition, options)).toEqual([]);
  expect(aslValidatorMessages(JSON.parse(JSON.stringify(definition).replaceAll('${Partition}', 'aws')))).toEqual([]);
});

test('asl-validator itself is asked: it refuses a state that does not exist', () => {
  expect(aslValidatorMessages(machine({ Type: 'Pass', Next: 'Gone' }))).not.toEqual([]);
});

test.each<[string, unknown, string[][]]>([
  ['no object', [], [['definition', '']]],
  ['JSONPath', machine(inspect(), {}, { QueryLanguage: 'JSONPath' }), [['query-language', '']]],
  ['a machine without a timeout', machine(inspect(), {}, { TimeoutSeconds: undefined }), [['machine-timeout', '']]],
  ['a machine without a comment', machine(inspect(), {}, { Comment: '' }), [['machine-comment', '']]],
  ['a task without a timeout', machine(inspect({ TimeoutSeconds: undefined })), [['task-timeout', '/States/First']]],
  ['a heartbeat as long as the timeout', machine(inspect({ HeartbeatSeconds: 60 })), [['heartbeat', '/States/First']]],
  ['a placeholder that nothing fills', machine(inspect({ Comment: '${Nobody}' })), [['unknown-placeholder', '']]],
  [
    'a placeholder that is no handler',
    machine(inspect({ Arguments: { FunctionName: '${Partition}' } })),
    [['unknown-handler', '/States/First/Arguments/FunctionName']],
  ],
  [
    'a function that is no handler',
    machine(inspect({ Arguments: { FunctionName: 'nightshift-inspect-clutser' } })),
    [['unknown-handler', '/States/First/Arguments/FunctionName']],
  ],
  [
    'a function task that does not retry what Lambda itself throws',
    machine(inspect({ Retry: [{ ErrorEquals: LAMBDA }] })),
    [['lambda-retry', '/States/First']],
  ],
  [
    'a task that does not retry when a service throttles',
    machine(sdk('eks:describeUpdate', {}, { Retry: [retries('Eks', 'Server', 'ServiceUnavailable'), SILENCE] })),
    [['service-retry', '/States/First']],
  ],
  [
    'a task that does not retry when a service is silent',
    machine(sdk('s3:putObject', { Bucket: 'b', Key: 'k' }, { Retry: [retries('S3')] })),
    [['service-retry', '/States/First']],
  ],
  [
    'retries that are switched off',
    machine(inspect({ Retry: [{ ...TRANSIENT[0], MaxAttempts: 0 }] })),
    [['lambda-retry', '/States/First']],
  ],
  [
    'an error that nothing throws',
    machine(inspect({ Catch: [{ ErrorEquals: ['NodeNotPrepared'], Next: 'Done' }, ALL] })),
    [['unknown-error', '/States/First/Catch[0]']],
  ],
  [
    'an error that the service does not have',
    machine(sdk('eks:describeUpdate', {}, { Retry: [...SERVICES, { ErrorEquals: ['Eks.TooManyRequestsException'] }] })),
    [['unknown-error', '/States/First/Retry[4]']],
  ],
  [
    'an error that cannot be caught',
    machine(inspect({ Catch: [{ ErrorEquals: ['States.Runtime'], Next: 'Done' }, ALL] })),
    [['unknown-error', '/States/First/Catch[0]']],
  ],
  [
    'States.ALL before the last entry',
    machine(
      inspect({
        Catch: [
          { ErrorEquals: ['States.ALL'], Next: 'Done' },
          { ErrorEquals: ['NodesNotPrepared'], Next: 'Done' },
        ],
      }),
    ),
    [['states-all-last', '/States/First/Catch[0]']],
  ],
  [
    'States.ALL with company',
    machine(inspect({ Catch: [{ ErrorEquals: ['NodesNotPrepared', 'States.ALL'], Next: 'Done' }] })),
    [['states-all-alone', '/States/First/Catch[0]']],
  ],
  [
    'a task whose failures are caught by some names only',
    machine(inspect({ Catch: [{ ErrorEquals: ['NodesNotPrepared'], Next: 'Done' }] })),
    [['catch-all', '/States/First']],
  ],
  ...['eks:describeUpdate', 'scheduler:getSchedule', 'eks:listAddons'].map((read): [string, unknown, string[][]] => [
    `${read}, whose answer may be too large and is caught by States.ALL alone,`,
    machine(sdk(read, {}, { Catch: [ALL] })),
    [['catch-data-limit', '/States/First']],
  ]),
  [
    'an execution that is waited for, whose end may be too large,',
    machine(
      inspect({
        Resource: 'arn:${Partition}:states:::states:startExecution.sync:2',
        Arguments: { StateMachineArn: 'a' },
      }),
    ),
    [['catch-data-limit', '/States/First']],
  ],
  [
    'a Map that catches nothing',
    machine({
      Type: 'Map',
      ItemProcessor: { StartAt: 'In', States: { In: { Type: 'Pass', End: true } } },
      Next: 'Done',
    }),
    [['catch-all', '/States/First']],
  ],
  [
    'a Parallel that catches nothing',
    machine({
      Type: 'Parallel',
      Branches: [{ StartAt: 'In', States: { In: { Type: 'Pass', End: true } } }],
      Next: 'Done',
    }),
    [['catch-all', '/States/First']],
  ],
  [
    'a misspelt integration',
    machine(inspect({ Resource: 'arn:aws:states:::lambda:invok' })),
    [['unknown-integration', '/States/First/Resource']],
  ],
  [
    'a misspelt service',
    machine(sdk('states:startExecution', {})),
    [['unknown-integration', '/States/First/Resource']],
  ],
  ['a misspelt operation', machine(sdk('eks:updateAddons', {})), [['unknown-integration', '/States/First/Resource']]],
  [
    'an operation with a capital',
    machine(sdk('eks:UpdateAddon', {})),
    [['unknown-integration', '/States/First/Resource']],
  ],
  [
    'an argument that the operation does not have',
    machine(sdk('eks:updateAddon', { ClusterName: 'a', configurationValues: '{}' })),
    [['unknown-argument', '/States/First/Arguments/configurationValues']],
  ],
  [
    'an argument deep inside',
    machine(sdk('scheduler:createSchedule', { Target: { Arn: 'a', RoleARN: 'b' } })),
    [['unknown-argument', '/States/First/Arguments/Target/RoleARN']],
  ],
  [
    'an argument in an expression for the whole',
    machine({ ...sdk('eks:createAccessEntry', {}), Arguments: "{% {'ClusterName': 'a', 'Groups': ['b']} %}" }),
    [['unknown-argument', '/States/First/Arguments/Groups']],
  ],
  [
    'an argument that the integration does not have',
    machine(inspect({ Arguments: { FunctionName: '${InspectClusterFunction}', Input: {} } })),
    [['unknown-argument', '/States/First/Arguments/Input']],
  ],
  [
    'a state that nothing reaches',
    machine(inspect(), { Lost: { Type: 'Pass', Next: 'Done' } }),
    [['unreachable-state', '/States/Lost']],
  ],
  [
    'a state that is not there',
    machine({ Type: 'Choice', Choices: [{ Condition: '{% true %}', Next: 'Gone' }], Default: 'Done' }),
    [['missing-state', '/States/First']],
  ],
  [
    'a start that is not there',
    machine(inspect(), {}, { StartAt: 'Frist' }),
    [
      ['missing-state', '/StartAt'],
      ['unreachable-state', '/States/First'],
      ['unreachable-state', '/States/Done'],
    ],
  ],
  [
    'a variable that no path assigned',
    machine({ Type: 'Pass', Assign: { a: 1 }, Output: '{% $a %}', Next: 'Done' }),
    [['undefined-variable', '/States/First/Output']],
  ],
  [
    'a variable that only the other path assigned',
    machine(inspect({ Assign: { a: 1 }, Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Read' }], Next: 'Read' }), {
      Read: { Type: 'Pass', Output: '{% $a %}', Next: 'Done' },
    }),
    [['possibly-undefined-variable', '/States/Read/Output']],
  ],
  [
    'a function that JSONata does not have',
    machine({ Type: 'Pass', Output: '{% $uppercas("a") %}', Next: 'Done' }),
    [['unknown-function', '/States/First/Output']],
  ],
  [
    '$eval',
    machine({ Type: 'Pass', Output: '{% $eval("1") %}', Next: 'Done' }),
    [['jsonata-unsupported', '/States/First/Output']],
  ],
  [
    'a bare name',
    machine({ Type: 'Pass', Output: '{% cluster %}', Next: 'Done' }),
    [['jsonata-unsupported', '/States/First/Output']],
  ],
  [
    'an expression that does not parse',
    machine({ Type: 'Pass', Output: '{% 1 + %}', Next: 'Done' }),
    [['jsonata-syntax', '/States/First/Output']],
  ],
  [
    'an expression inside a text',
    machine({ Type: 'Pass', Output: 'at {% $now() %}', Next: 'Done' }),
    [['partial-expression', '/States/First/Output']],
  ],
  [
    '$states.result in Arguments',
    machine(inspect({ Arguments: { FunctionName: '${InspectClusterFunction}', Payload: '{% $states.result %}' } })),
    [['no-result', '/States/First/Arguments/Payload']],
  ],
  [
    '$states.result in a Catch',
    machine(inspect({ Catch: [{ ErrorEquals: ['States.ALL'], Output: '{% $states.result %}', Next: 'Done' }] })),
    [['no-result', '/States/First/Catch[0]/Output']],
  ],
  [
    '$states.result of a Pass',
    machine({ Type: 'Pass', Output: '{% $states.result %}', Next: 'Done' }),
    [['no-result', '/States/First/Output']],
  ],
  [
    '$states.errorOutput outside a Catch',
    machine(inspect({ Output: '{% $states.errorOutput %}' })),
    [['no-error-output', '/States/First/Output']],
  ],
  [
    'a field that $states does not have',
    machine({ Type: 'Pass', Output: '{% $states.inputs.a %}', Next: 'Done' }),
    [['jsonata-unsupported', '/States/First/Output']],
  ],
  ...['text', '{% $string({"a": 1}) %}', '{% "a" & $states.input.b %}'].map((body): [string, unknown, string[][]] => [
    `a text ${body} for a blob, which would be stored with quotes,`,
    machine(sdk('s3:putObject', { Bucket: 'b', Key: 'k', Body: body })),
    [['blob-as-text', '/States/First/Arguments/Body']],
  ]),
  ...[
    'States.Timeout',
    '{% $states.input.Error %}',
    '{% $failure.Error %}',
    '{% $name %}',
    "{% 'States.' & 'X' %}",
  ].map((error): [string, unknown, string[][]] => [
    `a Fail with the Error ${error}, which may begin with "States.",`,
    machine(
      inspect({
        Assign: { failure: null, name: '' },
        Catch: [
          {
            ErrorEquals: ['States.ALL'],
            Assign: { failure: '{% $states.errorOutput %}', name: '{% $states.errorOutput.Error %}' },
            Next: 'Failed',
          },
        ],
      }),
      { Failed: { Type: 'Fail', Error: error } },
    ),
    [['states-error-name', '/States/Failed/Error']],
  ]),
  [
    'a fault inside a Map',
    machine({
      Type: 'Map',
      Catch: [ALL],
      ItemProcessor: {
        ProcessorConfig: { Mode: 'INLINE' },
        StartAt: 'In',
        States: { In: { Type: 'Pass', Output: '{% $absent %}', End: true } },
      },
      Next: 'Done',
    }),
    [['undefined-variable', '/States/First/ItemProcessor/States/In/Output']],
  ],
])('%s is found', (_, definition, expected) => {
  expect(found(definition)).toEqual(expected);
});

test('a state that is right to catch nothing says why', () => {
  const Comment = 'Not caught: the execution that waits for this one names the failure.';
  expect(found(machine(inspect({ Catch: [], Comment })))).toEqual([]);
});

test('a blob takes an object', () => {
  const body = "{% {'a': $states.input.a} %}";
  expect(found(machine(sdk('s3:putObject', { Bucket: 'b', Key: 'k', Body: body })))).toEqual([]);
});

test('an expression may define and call its own functions and variables', () => {
  const source = '($double := function($n){ $n * 2 }; $map([1..3], function($i){ $double($i) }))';
  expect(found(machine({ Type: 'Pass', Output: `{% ${source} %}`, Next: 'Done' }))).toEqual([]);
});

/** A state machine that people follow: it reads, works and records. */
const followed = (states: Record<string, Record<string, unknown>>) =>
  lintStateMachine(
    machine(inspect({ Comment: 'read | why', Next: 'Work' }), {
      Work: inspect({ Comment: 'work | works | why', Next: 'Record' }),
      Record: inspect({ Comment: 'record | why', ...('Rest' in states && { Next: 'Rest' }) }),
      ...states,
    }),
    { ...options, phases: ['read', 'work', 'record'] },
  ).map(({ path, rule }) => [rule, path]);

test('a state machine that people follow has a phase for every state that takes time', () => {
  expect(followed({})).toEqual([]);
});

test.each<[string, Record<string, Record<string, unknown>>, string[][]]>([
  [
    'a Task without a phase',
    { Work: inspect({ Comment: 'why', Next: 'Record' }) },
    [
      ['phase', '/States/Work'],
      ['unused-phase', ''],
    ],
  ],
  [
    'a Wait without a phase',
    { Record: { Type: 'Wait', Timestamp: '2030-01-01T00:00:00Z', Next: 'Done' } },
    [
      ['phase', '/States/Record'],
      ['unused-phase', ''],
    ],
  ],
  [
    'a phase that there is not',
    { Rest: { Type: 'Succeed', Comment: 'rest | why' } },
    [['unknown-phase', '/States/Rest']],
  ],
  [
    'a Comment of another form',
    { Rest: { Type: 'Succeed', Comment: 'record | | why' } },
    [['comment-form', '/States/Rest']],
  ],
  [
    'a pause without words',
    { Rest: { Type: 'Wait', Comment: 'record | why', Seconds: 60, Next: 'Done' } },
    [['wait-words', '/States/Rest']],
  ],
  [
    'a failure that is called an answer',
    { Record: inspect({ Comment: 'record | why', Catch: [{ ...ALL, Comment: 'was done' }] }) },
    [['catch-words', '/States/Record/Catch[0]']],
  ],
  [
    'a phase that only a later one leads to',
    { Work: inspect({ Comment: 'record | why', Next: 'Record' }), Record: inspect({ Comment: 'work | why' }) },
    [['phase-order', '']],
  ],
])('%s is found', (_, states, expected) => {
  expect(followed(states)).toEqual(expected);
});
