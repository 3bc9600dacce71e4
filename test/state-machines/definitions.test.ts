import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as errors from '../../functions/core/errors.ts';
import {
  fillPlaceholders,
  functionPlaceholder,
  NO_KUBERNETES_GROUP,
  placeholderValues,
  readDefinition,
  STATE_MACHINES,
} from '../../state-machines/definitions.ts';
import { drawStateMachine } from '../../state-machines/draw.ts';
import { lintStateMachine } from '../../state-machines/lint/lint.ts';
import { PHASES } from '../../state-machines/phases.ts';
import { aslValidatorMessages } from './asl-validator.ts';

const HANDLERS = globSync('functions/handlers/*.ts').map((path) => basename(path, '.ts'));
/** AWS's own names that adapters let through unchanged, for the state machine to retry. */
const RETHROWN = ['ThrottlingException', 'TooManyRequestsException', 'ResourceInUseException'];
const VALUES = placeholderValues({
  kubernetesGroup: NO_KUBERNETES_GROUP,
  functions: Object.fromEntries(
    HANDLERS.map((name) => [name, `arn:aws:lambda:us-east-1:111122223333:function:${name}`]),
  ),
  stateMachines: Object.fromEntries(
    ['migrate-cluster', 'rollback-cluster'].map((name) => [
      name,
      `arn:aws:states:us-east-1:111122223333:stateMachine:${name}`,
    ]),
  ),
  kubernetesRoleArn: 'arn:aws:iam::111122223333:role/nightshift-kubernetes',
  schedulerRoleArn: 'arn:aws:iam::111122223333:role/nightshift-scheduler',
  leaseGroup: 'nightshift-leases',
  evidenceBucket: 'nightshift-evidence-111122223333-us-east-1',
  partition: 'aws',
});

describe.each(STATE_MACHINES)('%s', (name) => {
  const text = readDefinition(name);

  it('keeps the published schema of the Amazon States Language', () => {
    expect(aslValidatorMessages(JSON.parse(fillPlaceholders(text, VALUES)))).toEqual([]);
  });

  it('keeps our own rules', () => {
    const findings = lintStateMachine(JSON.parse(text), {
      functions: HANDLERS,
      errors: [...Object.keys(errors), ...RETHROWN],
      placeholders: Object.keys(VALUES),
      phases: Object.entries(PHASES).flatMap(([machine, phases]) =>
        machine === name ? phases.map((each) => each.name) : [],
      ),
    });
    expect(findings).toEqual([]);
  });

  it('has a value for every placeholder', () => {
    expect(fillPlaceholders(text, VALUES)).not.toContain('${');
  });

  it('is drawn in the README as it is', () => {
    const readme = readFileSync('state-machines/README.md', 'utf8');
    expect(readme).toContain(`\`\`\`mermaid\n${drawStateMachine(JSON.parse(text))}\n\`\`\``);
  });
});

it('a placeholder without a value is refused by name', () => {
  expect(() => fillPlaceholders('{"a": "${Nothing}"}', {})).toThrow('${Nothing}');
});

it('every function of the workflow is a handler', () => {
  const used = new Set(STATE_MACHINES.flatMap((name) => readDefinition(name).match(/\$\{\w+Function\}/g) ?? []));
  const known = HANDLERS.map((name) => `\${${functionPlaceholder(name)}}`);
  expect([...used].filter((placeholder) => !known.includes(placeholder))).toEqual([]);
});
