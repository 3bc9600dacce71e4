import { describe, expect, test } from 'vitest';
import { followedState, machineOf, readComment } from '../../state-machines/phases.ts';

describe('the Comment of a state', () => {
  test.each([
    ['Someone else is at this cluster.', null, null, 'Someone else is at this cluster.'],
    ['record | Whose is it?', 'record', null, 'Whose is it?'],
    ['proof | asks again | One a | or b.', 'proof', 'asks again', 'One a | or b.'],
  ])('%s', (comment, phase, words, why) => {
    expect(readComment(comment)).toEqual({ phase, words, why });
  });
});

describe('what a state says of itself', () => {
  test('is its phase, its words, what it calls and with which literals', () => {
    expect(followedState('CleanNodes', 'migrate-cluster')).toMatchObject({
      phase: 'validate',
      words: 'removes what the other mode left on the nodes',
      calls: 'run-on-nodes',
      payload: { phase: 'clean' },
    });
  });

  test('is not the same in both state machines', () => {
    expect(followedState('ReadLease', 'migrate-cluster').phase).toBe('record');
    expect(followedState('ReadLease', 'rollback-cluster').phase).toBe('former');
  });

  test('names the operation of an AWS SDK integration, and the errors that are answers', () => {
    const { calls, answers } = followedState('DescribeCluster', 'migrate-cluster');
    expect(calls).toBe('eks:describeCluster');
    expect([...answers]).toEqual([
      ['Eks.ResourceNotFoundException', 'EKS does not show the cluster'],
      ['Eks.InvalidParameterException', 'EKS does not show the cluster'],
    ]);
  });

  test('is nothing for a state of an older definition', () => {
    expect(followedState('CountSheep', 'migrate-cluster')).toMatchObject({ phase: null, words: null, calls: null });
  });
});

test.each([
  ['migrate-cluster', 'migrate-cluster'],
  ['rollback-cluster', 'rollback-cluster'],
  ['blue-rollback-cluster', 'rollback-cluster'],
])('an execution of %s is one of %s', (name, machine) => {
  expect(machineOf(name)).toBe(machine);
});
