import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployAsShipped, Scene } from './scene.ts';

const ROLLBACK_FAILED = { source: 'nightshift', 'detail-type': 'nightshift.RollbackFailed', detail: {} };
const template = await deployAsShipped();

/** How many messages are on the topics, and why events are dead, after an event and all of its retries. */
async function notify(scene: Scene, event: object = ROLLBACK_FAILED) {
  const found: { messages: number; dead: (string | undefined)[] } = { messages: 0, dead: [] };
  await scene.look([], async () => {
    await scene.deliver(event);
    await scene.pass(25 * 60);
    const { topics } = await scene.sandbox.state();
    found.messages = topics.flatMap(({ messages }) => messages).length;
    found.dead = (await scene.dead()).map(({ attributes }) => attributes['ERROR_CODE']);
  });
  return found;
}

describe.each([
  { name: 'as the template is', condition: undefined, expected: { messages: 1, dead: [] } },
  {
    name: 'with a key that asks EventBridge for the account',
    condition: { StringEquals: { 'aws:SourceAccount': '111122223333' } },
    expected: { messages: 0, dead: ['AccessDeniedException'] },
  },
])('a notification, $name', ({ condition, expected }) => {
  let scene: Scene;
  beforeAll(async () => {
    const change = (_: string, value: unknown): unknown =>
      condition &&
      typeof value === 'object' &&
      value !== null &&
      'Sid' in value &&
      value.Sid === 'EncryptNotificationsOfRules'
        ? { ...value, Condition: condition }
        : value;
    scene = await Scene.start(JSON.parse(JSON.stringify(template), change));
  });
  afterAll(() => scene.stop());

  it(expected.messages === 1 ? 'arrives' : 'goes to the dead-letter queue', async () => {
    expect(await notify(scene)).toEqual(expected);
  });
});

describe('a migration that succeeds', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await Scene.start(template);
  });
  afterAll(() => scene.stop());

  it.each([
    ['without a raised alarm notifies nobody', {}, 0],
    ['with an alarm that is raised after the proof notifies', { guard: { reason: 'the alarm a is in ALARM' } }, 1],
  ])('%s', async (_, detail, messages) => {
    const event = { source: 'nightshift', 'detail-type': 'nightshift.MigrationSucceeded', detail };
    expect(await notify(scene, event)).toEqual({ messages, dead: [] });
  });
});

describe('a rollout notifies people', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await Scene.start(template);
  });
  afterAll(() => scene.stop());

  it.each<[string, string, object, number]>([
    ['a stage waits for an approval', 'ApprovalRequested', { rollout: 'R', stage: 'prod' }, 1],
    ['it is held', 'RolloutEnded', { rollout: 'R', status: 'held' }, 1],
    ['it is denied', 'RolloutEnded', { rollout: 'R', status: 'denied' }, 1],
    ['it fails', 'RolloutEnded', { rollout: null, status: 'failed' }, 1],
    ['it succeeds, not at all', 'RolloutEnded', { rollout: 'R', status: 'succeeded' }, 0],
    ['a stage is held, which ends the rollout, not at all', 'StageEnded', { rollout: 'R', status: 'held' }, 0],
  ])('when %s', async (_, name, detail, messages) => {
    const event = { source: 'nightshift', 'detail-type': `nightshift.${name}`, detail };
    expect(await notify(scene, event)).toEqual({ messages, dead: [] });
  });
});
