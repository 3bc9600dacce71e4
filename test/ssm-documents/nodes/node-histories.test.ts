import { modelMachine } from '@nightshift/sandbox/nodes';
import { describe, test } from 'vitest';
import { modelDocuments as documents } from '../../../ssm-documents/model-node.ts';
import { nodeLives } from './node-histories.ts';
import { live, nodeAddress } from './node-history.ts';

describe.each(nodeLives)('as a model, $name', ({ family, missingModules = [], packageMirror = 'up', histories }) => {
  // Ubuntu: the kernel kind is a Debian, and both have apt-get.
  const machine = modelMachine({
    os: 'ubuntu',
    name: 'node',
    address: nodeAddress(family),
    missingModules,
    packageMirror,
    documents,
  });
  test.each(histories)('$name', (history) => live(family, history, machine));
});
