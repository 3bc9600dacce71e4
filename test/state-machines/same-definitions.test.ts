import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readDefinition, STATE_MACHINES } from '../../state-machines/definitions.ts';

test.each(STATE_MACHINES)('%s says in YAML exactly what it said in JSON', (name) => {
  const json = readFileSync(new URL(`../../state-machines/${name}.asl.json`, import.meta.url), 'utf8');
  expect(JSON.stringify(JSON.parse(readDefinition(name)))).toBe(JSON.stringify(JSON.parse(json)));
});
