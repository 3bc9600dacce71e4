import { Lambda, ResourceNotFoundException } from '@aws-sdk/client-lambda';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FunctionHost, lambdaService } from '../../services/lambda.ts';
import { TestRegion } from './region.ts';

const arn = 'arn:aws:lambda:us-east-1:111122223333:function:nightshift-inspect-cluster';
const failure = { errorType: 'PreflightRefused', errorMessage: 'Auto Mode', trace: ['PreflightRefused: Auto Mode'] };
let world: TestRegion;
let client: Lambda;
let invoked: unknown[];
beforeEach(async () => {
  world = new TestRegion();
  invoked = [];
  const host: FunctionHost = {
    names: ['nightshift-inspect-cluster'],
    find: (name) => (name === 'nightshift-inspect-cluster' ? { arn, memory: 512, timeout: 60 } : undefined),
    invoke: (_name, payload) => {
      invoked.push(payload);
      const refuse = JSON.stringify(payload).includes('refuse');
      return Promise.resolve(refuse ? { error: failure } : { payload: { plan: 'migrate' } });
    },
  };
  world.dispatcher.register(
    'lambda',
    lambdaService(
      world.region,
      host,
      { invoke: (name, event) => host.invoke(name, event).then(() => undefined) },
      () => undefined,
    ),
  );
  client = new Lambda(await world.listen());
});
afterEach(() => world.close());

test('Invoke answers what the function answers', async () => {
  const reply = await client.invoke({ FunctionName: arn, Payload: JSON.stringify({ cluster: 'demo' }) });
  expect(reply).toMatchObject({ StatusCode: 200, ExecutedVersion: '$LATEST' });
  expect(reply.FunctionError).toBeUndefined();
  expect(reply.Payload?.transformToString()).toBe('{"plan":"migrate"}');
  expect(invoked).toEqual([{ cluster: 'demo' }]);
});

test('what a function throws is a success of Invoke with FunctionError Unhandled', async () => {
  const reply = await client.invoke({ FunctionName: 'nightshift-inspect-cluster', Payload: '"refuse"' });
  expect(reply).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' });
  expect(JSON.parse(reply.Payload?.transformToString() ?? '')).toEqual(failure);
});

test('an Event is accepted at once and its function runs', async () => {
  const reply = await client.invoke({ FunctionName: 'nightshift-inspect-cluster', InvocationType: 'Event' });
  expect(reply.StatusCode).toBe(202);
  expect(invoked).toEqual([{}]);
});

test('a payload that is not JSON and an unknown function are refused', async () => {
  await expect(client.invoke({ FunctionName: 'nightshift-inspect-cluster', Payload: '{' })).rejects.toMatchObject({
    name: 'InvalidRequestContentException',
  });
  await expect(client.invoke({ FunctionName: 'other' })).rejects.toThrow(ResourceNotFoundException);
  expect((await client.listFunctions({})).Functions?.map(({ FunctionName }) => FunctionName)).toEqual([
    'nightshift-inspect-cluster',
  ]);
});
