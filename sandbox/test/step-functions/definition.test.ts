import { expect, test } from 'vitest';
import { parseDefinition } from '../../step-functions/definition.ts';
import { InvalidDefinition } from '../../step-functions/failure.ts';
import { functionTask, only } from './machine.ts';

function problems(definition: unknown): readonly string[] {
  try {
    parseDefinition(typeof definition === 'string' ? definition : JSON.stringify(definition));
    return [];
  } catch (error) {
    if (error instanceof InvalidDefinition) return error.problems;
    throw error;
  }
}

const machine = (state: Record<string, unknown>) => ({ QueryLanguage: 'JSONata', ...only(state) });

test('a definition of every state that is supported is taken', () => {
  const states = {
    A: functionTask({ TimeoutSeconds: 5, Next: 'B' }),
    B: { Type: 'Wait', Seconds: 1, Next: 'C' },
    C: { Type: 'Choice', Choices: [{ Condition: '{% true %}', Next: 'D' }], Default: 'F' },
    D: { Type: 'Pass', Next: 'M' },
    M: {
      Type: 'Map',
      Items: [1],
      ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' }, StartAt: 'I', States: { I: { Type: 'Pass', End: true } } },
      Next: 'E',
    },
    E: { Type: 'Succeed' },
    F: { Type: 'Fail' },
  };
  expect(problems({ QueryLanguage: 'JSONata', StartAt: 'A', States: states })).toEqual([]);
});

test.each(
  Object.entries({
    'Invalid input: expected "JSONata" at /QueryLanguage': {
      ...machine({ Type: 'Succeed' }),
      QueryLanguage: 'JSONPath',
    },
    'placeholder ${Who} is not filled': '{"Comment": "${Who}"}',
    'state type "Parallel" is not supported at /States/Only': machine({ Type: 'Parallel', End: true }),
    'HeartbeatSeconds is supported with .waitForTaskToken only at /States/Only': machine(
      functionTask({ HeartbeatSeconds: 5 }),
    ),
    "field 'InputPath' is not supported at /States/Only": machine({ Type: 'Pass', InputPath: '$' }),
    "the service 'aws-sdk:eksx' is not supported at /States/Only/Resource": machine(
      functionTask({ Resource: 'arn:aws:states:::aws-sdk:eksx:updateAddon' }),
    ),
    "the operation 'updateAddons' of aws-sdk:eks does not exist at /States/Only/Resource": machine(
      functionTask({ Resource: 'arn:aws:states:::aws-sdk:eks:updateAddons' }),
    ),
    "the field 'name' is not supported by Step Functions at /States/Only/Arguments": machine(
      functionTask({ Resource: 'arn:aws:states:::aws-sdk:eks:describeUpdate', Arguments: { name: 'x' } }),
    ),
    "MISSING_TRANSITION_TARGET: 'Gone' is no state at /States/Only": machine({ Type: 'Pass', Next: 'Gone' }),
    "UNSUPPORTED_JSONATA_EXPRESSION: '$eval' is not supported, use '$parse' at /States/Only/Output": machine({
      Type: 'Pass',
      Output: '{% $eval("1") %}',
    }),
    "UNSUPPORTED_JSONATA_EXPRESSION: a reference to 'cluster' at the top level is not supported at /States/Only/Output":
      machine({ Type: 'Pass', Output: '{% cluster.name %}' }),
    'INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /States/Only/Output': machine({
      Type: 'Pass',
      Output: '{% 1 + %}',
    }),
    'INVALID_JSONATA_EXPRESSION: The symbol "?" cannot be used as a unary operator at /States/Only/Output': machine({
      Type: 'Pass',
      Output: '{% $states.input.a ?? 1 %}',
    }),
    "the Error of a Fail state must not begin with 'States.' at /States/Only/Error": machine({
      Type: 'Fail',
      Error: 'States.Timeout',
    }),
    'exactly one of Seconds and Timestamp is needed at /States/Only': machine({
      Type: 'Wait',
      Seconds: 1,
      Timestamp: '2026-01-01T00:00:00Z',
    }),
  }),
)('a definition is refused: %s', (problem, definition) => {
  expect(problems(definition)).toEqual([problem]);
});
