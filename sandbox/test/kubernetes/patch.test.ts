import { describe, expect, test } from 'vitest';
import { mergePatch } from '../../kubernetes/patch.ts';
import { strategicMerge } from '../../kubernetes/strategic-merge.ts';

const pod = {
  containers: [
    { name: 'a', image: 'one', ports: [{ containerPort: 80 }, { containerPort: 81 }], command: ['x', 'y'] },
    { name: 'b', image: 'two' },
  ],
  tolerations: [{ operator: 'Exists' }],
};

describe('a strategic merge patch', () => {
  test('merges containers by name and leaves the others alone', () => {
    expect(strategicMerge(pod, { containers: [{ name: 'b', image: 'three' }] })).toEqual({
      ...pod,
      containers: [pod.containers[0], { name: 'b', image: 'three' }],
    });
  });

  test('merges container ports by number, replaces plain lists and lists without merge key', () => {
    const patch = {
      containers: [{ name: 'a', ports: [{ containerPort: 81, protocol: 'UDP' }], command: ['z'] }],
      tolerations: [{ key: 'k' }],
    };
    expect(strategicMerge(pod, patch)).toEqual({
      containers: [
        {
          name: 'a',
          image: 'one',
          ports: [{ containerPort: 80 }, { containerPort: 81, protocol: 'UDP' }],
          command: ['z'],
        },
        { name: 'b', image: 'two' },
      ],
      tolerations: [{ key: 'k' }],
    });
  });

  test('adds, deletes and orders items by its directives', () => {
    const patch = {
      $setElementOrder: undefined,
      '$setElementOrder/containers': [{ name: 'c' }, { name: 'b' }],
      containers: [
        { name: 'a', $patch: 'delete' },
        { name: 'c', image: 'new' },
      ],
    };
    expect(strategicMerge(pod, patch)['containers']).toEqual([
      { name: 'c', image: 'new' },
      { name: 'b', image: 'two' },
    ]);
  });

  test('deletes with null, replaces with $patch, keeps with $retainKeys', () => {
    expect(strategicMerge({ a: 1, b: { c: 2, d: 3 } }, { a: null, b: { c: null } })).toEqual({ b: { d: 3 } });
    expect(strategicMerge({ b: { c: 2 } }, { b: { $patch: 'replace', e: 4 } })).toEqual({ b: { e: 4 } });
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } };
    expect(strategicMerge({ strategy }, { strategy: { $retainKeys: ['type'], type: 'OnDelete' } })).toEqual({
      strategy: { type: 'OnDelete' },
    });
  });

  test('takes single values out of a set and adds to it', () => {
    const patch = { '$deleteFromPrimitiveList/finalizers': ['x'], finalizers: ['z', 'y'] };
    expect(strategicMerge({ finalizers: ['x', 'y'] }, patch)).toEqual({ finalizers: ['y', 'z'] });
  });

  test('refuses an item without its merge key and a directive that does not exist', () => {
    expect(() => strategicMerge(pod, { containers: [{ image: 'x' }] })).toThrow(
      'does not contain declared merge key: name',
    );
    expect(() => strategicMerge(pod, { $patch: 'mix' })).toThrow('Unknown patch type found: mix');
  });

  test('changes nothing in what it patches', () => {
    const before = structuredClone(pod);
    strategicMerge(pod, { containers: [{ name: 'a', ports: [{ containerPort: 80, protocol: 'TCP' }] }] });
    expect(pod).toEqual(before);
  });
});

test('a JSON merge patch replaces lists whole and deletes with null', () => {
  expect(mergePatch({ a: [1, 2], b: { c: 1, d: 2 } }, { a: [3], b: { c: null } })).toEqual({ a: [3], b: { d: 2 } });
});
