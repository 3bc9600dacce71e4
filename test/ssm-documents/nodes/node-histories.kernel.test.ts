import { kernelMachine, kernelNodesAvailable } from '@nightshift/sandbox/nodes';
import { describe, test } from 'vitest';
import { nodeLives } from './node-histories.ts';
import { live, nodeAddress } from './node-history.ts';

const availability = kernelNodesAvailable();
if (!availability.available)
  process.stderr.write(
    `kernel nodes: tests skipped (${availability.why}). ${availability.command} brings what they need.\n`,
  );

describe.skipIf(!availability.available)('on a real kernel', { concurrent: true }, () => {
  test.each(nodeLives)('$name lives as the table says', async (node) => {
    const { family, missingModules = [], packageMirror = 'up', histories } = node;
    const machine = kernelMachine({ name: 'node', address: nodeAddress(family), missingModules, packageMirror });
    try {
      for (const history of histories) await live(family, history, machine);
    } finally {
      await machine.stop();
    }
  });
});
