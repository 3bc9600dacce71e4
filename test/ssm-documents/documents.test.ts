import { expect, test } from 'vitest';
import { NFTABLES_KERNEL_MODULES } from '../../functions/core/modes/nftables-preparation.ts';
import { IPVS_KERNEL_MODULES } from '../../functions/core/modes/proxy-mode.ts';
import { ssmDocuments } from '../../ssm-documents/documents.ts';

const documents = ssmDocuments();
const scriptOf = (content: (typeof documents)[number]['content']): string[] =>
  content.mainSteps.flatMap((step) => step.inputs.runCommand);

test('there is a document to prepare, to validate and to clean a node', () => {
  expect(documents.map(({ name }) => name)).toEqual(['prepare-node', 'validate-node', 'clean-node']);
});

test.each(documents)(
  '$name is a command document that runs a shell script on Linux only, with a time limit',
  ({ content }) => {
    expect(content.schemaVersion).toBe('2.2');
    expect(content.mainSteps.map(({ action }) => action)).toEqual(['aws:runShellScript']);
    expect(content.mainSteps[0]?.precondition).toEqual({ StringEquals: ['platformType', 'Linux'] });
    expect(Number(content.mainSteps[0]?.inputs.timeoutSeconds)).toBeGreaterThanOrEqual(120);
    expect(scriptOf(content)[0]).toBe('#!/bin/sh');
    expect(scriptOf(content).filter((line) => line.includes('shared/'))).toEqual([]);
    // SSM takes documents of at most 64 KB.
    expect(JSON.stringify(content).length).toBeLessThan(64_000);
  },
);

test.each(documents)(
  '$name assigns each parameter in single quotes at its top, and uses nothing else of SSM',
  ({ content }) => {
    const assigned = scriptOf(content).flatMap((line) => line.match(/^[a-z_]+='\{\{ (\w+) \}\}'$/)?.[1] ?? []);
    expect(assigned).toEqual(Object.keys(content.parameters));
    const interpolations = scriptOf(content).filter((line) => line.includes('{{'));
    expect(interpolations).toHaveLength(assigned.length);
  },
);

/** Whether SSM would accept a value for a parameter. */
function accepts(
  parameter: { allowedValues?: readonly string[]; allowedPattern?: string } | undefined,
  value: string,
): boolean {
  if (parameter?.allowedValues) return parameter.allowedValues.includes(value);
  return parameter?.allowedPattern !== undefined && new RegExp(parameter.allowedPattern).test(value);
}

const INJECTIONS = ["rr'; reboot; '", '$(reboot)', '`reboot`', "10.0.0.1'", '10.0.0.1\nreboot', 'rr ', '', '{{ x }}'];

test.each(documents)('$name refuses every value with special characters of a shell', ({ content }) => {
  for (const parameter of Object.values(content.parameters))
    for (const value of INJECTIONS)
      expect({ value, accepted: accepts(parameter, value) }).toEqual({ value, accepted: false });
});

test('the parameters accept what a migration passes', () => {
  const parameters = new Map(documents.map(({ name, content }) => [name, content.parameters]));
  expect(accepts(parameters.get('prepare-node')?.['Scheduler'], 'lblcr')).toBe(true);
  const validate = parameters.get('validate-node');
  expect(accepts(validate?.['ApiServer'], '10.100.0.1')).toBe(true);
  expect(accepts(validate?.['Dns'], 'fd30:1c53:5f8a::a')).toBe(true);
  expect(accepts(validate?.['Mode'], 'iptables')).toBe(true);
  expect(accepts(validate?.['Scheduler'], 'none')).toBe(true);
  expect(validate?.['Scheduler']?.default).toBe('none');
  expect(accepts(parameters.get('clean-node')?.['Mode'], 'ipvs')).toBe(true);
  for (const name of ['prepare-node', 'validate-node', 'clean-node'] as const)
    expect(accepts(parameters.get(name)?.['Mode'], 'nftables')).toBe(true);
  expect(accepts(parameters.get('prepare-node')?.['Mode'], 'iptables')).toBe(false);
  expect(accepts(parameters.get('prepare-node')?.['Scheduler'], 'none')).toBe(true);
});

test("prepare-node looks for the modules that kube-proxy's rules need in nftables mode", () => {
  const content = documents.find(({ name }) => name === 'prepare-node')?.content;
  const modules = content && scriptOf(content).find((line) => line.startsWith('nft_modules='));
  expect(modules).toBe(`nft_modules='${NFTABLES_KERNEL_MODULES.join(' ')}'`);
});

test('prepare-node loads the twelve modules of the EKS guide, in its order', () => {
  const content = documents.find(({ name }) => name === 'prepare-node')?.content;
  const modules = content && scriptOf(content).find((line) => line.startsWith('modules='));
  expect(modules).toBe(`modules='${IPVS_KERNEL_MODULES.join(' ')}'`);
});
