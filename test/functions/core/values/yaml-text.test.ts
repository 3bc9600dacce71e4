import { expect, test } from 'vitest';
import { readYamlDocument, YamlProblem, yamlValues } from '../../../../functions/core/values/yaml-text.ts';

const read = (text: string, duplicateKeys: 'refused' | 'kept' = 'refused', version: '1.1' | '1.2' = '1.1') =>
  yamlValues(readYamlDocument(text, { version, duplicateKeys }));

test('YAML 1.1 reads octals and words as kube-proxy does, 1.2 does not', () => {
  expect(read('a: 016\nb: yes\n')).toEqual({ a: 14, b: true });
  expect(read('a: 016\nb: yes\n', 'refused', '1.2')).toEqual({ a: 16, b: 'yes' });
});

test.each([
  ['at the root', 'a: 1\nb: 2\na: 3\n', 'line 3, column 1'],
  ['inside', 'x:\n  a: 1\n  "a": 3\n', 'line 3, column 3'],
  ['in flow style', '{a: 1, a: 3}', 'line 1, column 8'],
  ['in a list', '- a: 1\n- b: 1\n  b: 2\n', 'line 3, column 3'],
])('a key that is there twice %s is refused with its place', (_, text, place) => {
  expect(() => read(text)).toThrow(new YamlProblem(`Map keys must be unique at ${place}`));
});

test('a key that is a number here and text there is one key', () => {
  expect(() => read('1: a\n"1": b\n')).toThrow(new YamlProblem('Map keys must be unique at line 2, column 1'));
});

test('a tag that nobody knows is refused, and not left out', () => {
  expect(() => read('a: !mine 1\n')).toThrow(new YamlProblem('Unresolved tag: !mine at line 1, column 4'));
});

test('of two equal keys the last one counts where they are kept', () => {
  expect(read('a: 1\na: 3\n', 'kept')).toEqual({ a: 3 });
});

test('the same key in two mappings, and two merges, are no duplicates', () => {
  expect(read('a: {k: 1}\nb: {k: 1}\n')).toEqual({ a: { k: 1 }, b: { k: 1 } });
  expect(read('x: &x {a: 1}\ny: &y {b: 2}\nz:\n  <<: *x\n  <<: *y\n')).toMatchObject({ z: { a: 1, b: 2 } });
});

test('an alias bomb is refused', () => {
  const levels = Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n}, `.repeat(9)}*a${n}]`);
  expect(() => read(`a0: &a0 [x]\n${levels.join('\n')}`)).toThrow(YamlProblem);
});

test('sixteen times the keys take far less than sixteen times sixteen the time', () => {
  const time = (keys: number): number => {
    const text = Array.from({ length: keys }, (_, index) => `key${index}: ${index}`).join('\n');
    const times = [1, 2, 3].map(() => {
      const start = performance.now();
      read(text);
      return performance.now() - start;
    });
    return Math.min(...times);
  };
  time(1_000);
  // In proportion it is 16; where each key is compared with each other one it is 256.
  expect(time(16_000) / time(1_000)).toBeLessThan(100);
});
