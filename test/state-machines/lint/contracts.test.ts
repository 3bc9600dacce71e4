import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { readDefinition, STATE_MACHINES } from '../../../state-machines/definitions.ts';
import { lintContracts } from '../../../state-machines/lint/contracts.ts';
import { type Contracts, readContracts } from '../../../state-machines/lint/read-contracts.ts';

const handlers = globSync('functions/handlers/*.ts').map((path) => basename(path, '.ts'));
const contracts = await readContracts(handlers);

const sentences = (machine: string, definition: unknown, by: Contracts = contracts) =>
  lintContracts(machine, definition, by).map(({ message }) => message);

/** A state machine in which one state's JSON has another text in the place of one. */
function changed(machine: string, state: string, from: string, to: string): unknown {
  const definition: { States: Record<string, unknown> } = JSON.parse(readDefinition(machine));
  const text = JSON.stringify(definition.States[state]);
  expect(text).toContain(from);
  definition.States[state] = JSON.parse(text.replace(from, to));
  return definition;
}

test('each function has a contract under the name of its handler, and nothing else has one', () => {
  expect(
    globSync('functions/contracts/*.ts')
      .map((path) => basename(path, '.ts'))
      .sort(),
  ).toEqual(handlers.sort());
});

test.each(STATE_MACHINES)('%s keeps the contracts of its functions', (machine) => {
  expect(sentences(machine, JSON.parse(readDefinition(machine)))).toEqual([]);
});

test.each<[string, string, string, string, string, string[]]>([
  [
    'a member of a payload that is renamed',
    'migrate-cluster',
    'ValidateNodes',
    '"inventory":',
    '"inventry":',
    [
      "migrate-cluster, state ValidateNodes, Arguments/Payload: run-on-nodes needs the member 'inventory', which is missing.",
      "migrate-cluster, state ValidateNodes, Arguments/Payload: run-on-nodes takes no member 'inventry'.",
    ],
  ],
  [
    'a member of a payload that is left out',
    'rollback-cluster',
    'CheckRollout',
    '"poll":"{% $poll %}"',
    '"generation":null',
    [
      "rollback-cluster, state CheckRollout, Arguments/Payload: check-rollout needs the member 'poll', which is missing.",
    ],
  ],
  [
    'a member that the function does not have',
    'migrate-cluster',
    'RestartDaemonSet',
    '"restartedAt":',
    '"reason":"the update","restartedAt":',
    ["migrate-cluster, state RestartDaemonSet, Arguments/Payload: restart-kube-proxy takes no member 'reason'."],
  ],
  [
    'a member that an object inside a payload lacks',
    'rollback-cluster',
    'ConfirmFormer',
    ',"way":"{% $way %}"',
    '',
    [
      "rollback-cluster, state ConfirmFormer, Arguments/Payload/ask: check-configuration needs the member 'way', which is missing.",
    ],
  ],
  [
    'a member that an object inside an expression lacks',
    'migrate-cluster',
    'CheckCanary',
    "'inventory': $canary.inventory, ",
    '',
    [
      "migrate-cluster, state CheckCanary, Arguments/Payload/canary: check-rollout needs the member 'inventory', which is missing.",
    ],
  ],
  [
    'a value that the function does not know',
    'migrate-cluster',
    'CleanNodes',
    '"phase":"clean"',
    '"phase":"cleaning"',
    [
      'migrate-cluster, state CleanNodes, Arguments/Payload/phase: run-on-nodes takes "prepare" or "validate" or "clean", not "cleaning".',
    ],
  ],
  [
    'a field of an answer that is renamed where it is read',
    'migrate-cluster',
    'ValidateNodes',
    '$states.result.Payload.deadline',
    '$states.result.Payload.until',
    [
      "migrate-cluster, state ValidateNodes, Assign/deadline: $states.result.Payload has no member 'until': it is the answer of run-on-nodes.",
    ],
  ],
  [
    'a field of a variable that is renamed where it is read',
    'migrate-cluster',
    'ChooseValidation',
    '$collected.leftovers > 0',
    '$collected.dirty > 0',
    [
      "migrate-cluster, state ChooseValidation, Choices[0]/Condition: $collected has no member 'dirty': it is the answer of collect-from-nodes.",
    ],
  ],
  [
    'a field deep in a variable that several functions set',
    'rollback-cluster',
    'RestoreAddon',
    '$former.sent',
    '$former.send',
    [
      "rollback-cluster, state RestoreAddon, Arguments/Payload/sent: $former has no member 'send': it is former in the answer of inspect-rollback.",
    ],
  ],
  [
    'an answer that is passed on as a whole and lacks what the next function needs',
    'rollback-cluster',
    'SurveyNodes',
    '"inventory":"{% $states.result.Payload.inventory %}"',
    '"inventory":"{% $states.result.Payload.inventory.counts %}"',
    [
      "rollback-cluster, state AskNodes, Arguments/Payload/inventory: run-on-nodes needs the member 'key', which counts in inventory in the answer of take-inventory does not have.",
    ],
  ],
  [
    'another function in the place of one',
    'rollback-cluster',
    'InspectForProof',
    '${TakeInventoryFunction}',
    '${UpdateAddonFunction}',
    [
      "rollback-cluster, state InspectForProof, Assign/stored: $states.result.Payload has no member 'inventory': it is the answer of update-addon.",
      "rollback-cluster, state InspectForProof, Assign/inventory: $states.result.Payload has no member 'inventory': it is the answer of update-addon.",
      "rollback-cluster, state InspectForProof, Arguments/Payload: update-addon needs the member 'addon', which is missing.",
      "rollback-cluster, state InspectForProof, Arguments/Payload: update-addon needs the member 'configuration', which is missing.",
      "rollback-cluster, state InspectForProof, Arguments/Payload: update-addon takes no member 'kubernetes'.",
      "rollback-cluster, state InspectForProof, Arguments/Payload: update-addon takes no member 'evidence'.",
    ],
  ],
  [
    'a member that what is saved before the change lacks',
    'migrate-cluster',
    'SaveFormer',
    "'configMap': $configMap, ",
    '',
    ["migrate-cluster, state SaveFormer, Arguments/Body: former.json needs the member 'configMap', which is missing."],
  ],
  [
    'a member that the input of a rollback lacks',
    'migrate-cluster',
    'Rollback',
    '"attempt":1,',
    '',
    [
      "migrate-cluster, state Rollback, Arguments/Input: rollback-cluster needs the member 'attempt', which is missing.",
    ],
  ],
  [
    'a member that the input in a lease lacks',
    'migrate-cluster',
    'AcquireLease',
    "'attempt': 1, ",
    '',
    [
      "migrate-cluster, state AcquireLease, Arguments/Target/Input: rollback-cluster needs the member 'attempt', which is missing.",
    ],
  ],
])('%s is reported', (_, machine, state, from, to, expected) => {
  expect(sentences(machine, changed(machine, state, from, to))).toEqual(expected);
});

test('a member that a function renames is reported where a state machine reads it', () => {
  const { input, output } = contracts.functions.get('take-inventory') ?? { input: {}, output: {} };
  const renamed = { input, output: JSON.parse(JSON.stringify(output).replaceAll('"newcomers"', '"joined"')) };
  const functions = new Map([...contracts.functions, ['take-inventory', renamed]]);
  expect(
    sentences('migrate-cluster', JSON.parse(readDefinition('migrate-cluster')), { ...contracts, functions }),
  ).toEqual([
    "migrate-cluster, state InspectForValidation, Assign/newcomers: $states.result.Payload has no member 'newcomers': it is the answer of take-inventory.",
  ]);
});

test('a member that a function begins to need is reported in every state that calls it', () => {
  const { input, output } = contracts.functions.get('decide-window') ?? { input: {}, output: {} };
  const more = { input: { ...input, required: [...(input.required ?? []), 'zone'] }, output };
  const functions = new Map([...contracts.functions, ['decide-window', more]]);
  const need = "Arguments/Payload: decide-window needs the member 'zone', which is missing.";
  expect(
    sentences('migrate-cluster', JSON.parse(readDefinition('migrate-cluster')), { ...contracts, functions }),
  ).toEqual([
    `migrate-cluster, state DecideWindow, ${need}`,
    `migrate-cluster, state CheckWindowBeforeChange, ${need}`,
    `migrate-cluster, state CheckWindowBeforeCanary, ${need}`,
    `migrate-cluster, state CheckWindowBeforeRestart, ${need}`,
  ]);
});
