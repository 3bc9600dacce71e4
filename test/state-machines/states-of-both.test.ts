import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { readDefinition } from '../../state-machines/definitions.ts';

const Definition = z.object({ States: z.record(z.string(), z.unknown()) });
const FILE = new URL('../../state-machines/rollback-cluster.asl.yaml', import.meta.url);

/** The states of rollback-cluster in which a comment says why they do something else in migrate-cluster. */
const explained = readFileSync(FILE, 'utf8')
  .split(/^(?= {2}\w+:$)/m)
  .filter((state) => /^ {4}# Unlike migrate-cluster: /m.test(state))
  .map((state) => state.trim().split(':')[0]);

/** What a state does: its place in the machine and its description left out. */
function action(state: unknown): string {
  return JSON.stringify(state, (key, value: unknown) =>
    ['Next', 'Default', 'Comment'].includes(key) ? undefined : value,
  );
}

test('a state that both machines have does the same in both, unless a comment says why not', () => {
  const [migrate, rollback] = ['migrate-cluster', 'rollback-cluster'].map(
    (name) => Definition.parse(JSON.parse(readDefinition(name))).States,
  );
  const different = Object.keys(rollback ?? {}).filter(
    (name) => migrate?.[name] !== undefined && action(migrate[name]) !== action(rollback?.[name]),
  );
  expect(different).toEqual(explained);
  expect(different).not.toEqual([]);
});
