import { EventBridge } from '@aws-sdk/client-eventbridge';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openMessaging } from '../../messaging.ts';
import { TestRegion } from './region.ts';

let world: TestRegion;
let client: EventBridge;
beforeAll(async () => {
  world = new TestRegion();
  const { region, calls, dispatcher } = world;
  const invoke = () => Promise.resolve({ payload: null });
  openMessaging({ region, calls, dispatcher, endpoint: 'http://127.0.0.1', findFunction: () => undefined, invoke });
  client = new EventBridge(await world.listen());
});
afterAll(() => world.close());

/** Whether an event with this detail matches the pattern of its detail. */
async function matches(pattern: unknown, detail: unknown): Promise<boolean | undefined> {
  const { Result } = await client.testEventPattern({
    EventPattern: JSON.stringify({ detail: pattern }),
    Event: JSON.stringify({ source: 'aws.eks', detail }),
  });
  return Result;
}

test.each([
  // A literal is compared with its type.
  [['running'], 'running', true],
  [['running'], 'Running', false],
  [['running', 'stopped'], 'stopped', true],
  [[100], 100, true],
  [[100], '100', false],
  [[''], '', true],
  [[null], null, true],
  [[null], '', false],
  [[true], true, true],
  // Of an array, one value is enough.
  [['b'], ['a', 'b'], true],
  [['c'], ['a', 'b'], false],
  [[{ prefix: 'us-' }], 'us-east-1', true],
  [[{ prefix: 'us-' }], 'eu-west-1', false],
  [[{ prefix: { 'equals-ignore-case': 'EventB' } }], 'eventBridge', true],
  [[{ suffix: '.png' }], 'a.png', true],
  [[{ suffix: '.png' }], 'a.PNG', false],
  [[{ suffix: { 'equals-ignore-case': '.PNG' } }], 'a.png', true],
  [[{ 'equals-ignore-case': 'alice' }], 'ALICE', true],
  [[{ 'equals-ignore-case': 'alice' }], 'alices', false],
  [[{ wildcard: 'dir/*.png' }], 'dir/a/b.png', true],
  [[{ wildcard: 'dir/*.png' }], 'dirs/b.png', false],
  [[{ wildcard: 'a\\*b*' }], 'a*bc', true],
  [[{ wildcard: 'a\\*b*' }], 'axbc', false],
  [[{ 'anything-but': 'initializing' }], 'running', true],
  [[{ 'anything-but': 'initializing' }], 'initializing', false],
  [[{ 'anything-but': ['stopped', 'overloaded'] }], 'overloaded', false],
  [[{ 'anything-but': [100, 200] }], 300, true],
  [[{ 'anything-but': { prefix: 'init' } }], 'initializing', false],
  [[{ 'anything-but': { prefix: ['init', 'stop'] } }], 'running', true],
  [[{ 'anything-but': { suffix: '.png' } }], 'a.png', false],
  [[{ 'anything-but': { 'equals-ignore-case': ['initializing'] } }], 'INITIALIZING', false],
  [[{ 'anything-but': { wildcard: '*/lib/*' } }], '/usr/lib/x', false],
  [[{ numeric: ['>', 10, '<=', 20] }], 20, true],
  [[{ numeric: ['>', 10, '<=', 20] }], 10, false],
  [[{ numeric: ['=', 3.018e2] }], 301.8, true],
  [[{ numeric: ['<', 10] }], '5', false],
  [[{ cidr: '10.0.0.0/24' }], '10.0.0.255', true],
  [[{ cidr: '10.0.0.0/24' }], '10.0.1.0', false],
  [[{ cidr: '2001:db8::/32' }], '2001:db8::1', true],
  [[{ exists: true }], 'x', true],
  [[{ exists: false }], 'x', false],
  [[{ exists: false }], undefined, true],
  [[{ exists: true }], undefined, false],
  // Only leaves exist.
  [[{ exists: true }], { inner: 1 }, false],
  [['x', { exists: false }], undefined, true],
  [[{ 'anything-but': 'x' }], undefined, false],
])('the pattern %j and the value %j: %s', async (leaf, value, expected) => {
  expect(await matches({ state: leaf }, { state: value, other: 1 })).toBe(expected);
});

test('all fields must fit, and of $or one alternative', async () => {
  const pattern = { $or: [{ city: ['Rome'] }, { day: [{ prefix: 'M' }] }], year: [2026] };
  expect(await matches(pattern, { city: 'Rome', day: 'Friday', year: 2026 })).toBe(true);
  expect(await matches(pattern, { city: 'Oslo', day: 'Monday', year: 2026 })).toBe(true);
  expect(await matches(pattern, { city: 'Oslo', day: 'Friday', year: 2026 })).toBe(false);
  expect(await matches(pattern, { city: 'Rome', day: 'Friday', year: 2025 })).toBe(false);
});

test('fields of objects in an array must fit in one of them', async () => {
  const pattern = { items: { kind: ['a'], size: [2] } };
  expect(
    await matches(pattern, {
      items: [
        { kind: 'a', size: 1 },
        { kind: 'a', size: 2 },
      ],
    }),
  ).toBe(true);
  expect(
    await matches(pattern, {
      items: [
        { kind: 'a', size: 1 },
        { kind: 'b', size: 2 },
      ],
    }),
  ).toBe(false);
});

test('a field that must be absent may be below one that is', async () => {
  expect(await matches({ error: { code: [{ exists: false }] } }, {})).toBe(true);
  expect(await matches({ error: { code: [{ exists: false }] } }, { error: { code: 'X' } })).toBe(false);
});

test.each([
  ['{', 'it is not JSON'],
  ['{}', 'the pattern is empty'],
  ['{"source":"aws.eks"}', 'source must be an object or an array'],
  ['{"source":[]}', 'source is empty'],
  ['{"source":[{"like":"x"}]}', 'Unrecognized match type like at source'],
  ['{"source":[{"prefix":"a","suffix":"b"}]}', 'source must have one operator in each object'],
  ['{"source":[{"wildcard":"a**b"}]}', 'Consecutive wildcard characters at source'],
  ['{"source":[{"anything-but":["a",1]}]}', 'anything-but at source needs texts or numbers, not both'],
  ['{"source":[{"exists":"yes"}]}', 'exists at source must be true or false'],
  ['{"detail":{"n":[{"numeric":["~",1]}]}}', 'Unrecognized numeric range operator ~ at detail.n'],
  ['{"detail":{"ip":[{"cidr":"10.0.0.0/33"}]}}', '10.0.0.0/33 at detail.ip is no range of addresses'],
])('the pattern %s is none: %s', async (EventPattern, reason) => {
  await expect(client.putRule({ Name: 'rule', EventPattern })).rejects.toMatchObject({
    name: 'InvalidEventPatternException',
    message: `Event pattern is not valid. Reason: ${reason}`,
  });
});
