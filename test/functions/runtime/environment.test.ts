import { expect, test } from 'vitest';
import { settingsIn, variable, windowsIn } from '../../../functions/runtime/environment.ts';

test.each([{}, { NIGHTSHIFT_EVENT_BUS: '' }])('a missing or empty variable is named: %o', (variables) => {
  expect(() => variable('NIGHTSHIFT_EVENT_BUS', variables)).toThrow(
    expect.objectContaining({
      name: 'InvalidConfiguration',
      message: 'The environment variable NIGHTSHIFT_EVENT_BUS is not set.',
    }),
  );
});

test('windows are found by their names', () => {
  expect([...windowsIn('{"weekend":{"schedule":"x"}}')]).toEqual([['weekend', { schedule: 'x' }]]);
});

test.each(['', '[]', 'null', '"weekend"', '{'])('windows that are no JSON object are refused: %s', (text) => {
  expect(() => windowsIn(text)).toThrow(
    'The environment variable NIGHTSHIFT_WINDOWS is not a JSON object of windows by name.',
  );
});

test('settings are read from their text, or refused by name', () => {
  expect(settingsIn('{"target":{"mode":"ipvs","scheduler":"rr"},"window":"weekend"}').window).toBe('weekend');
  expect(() => settingsIn('{')).toThrow('The environment variable NIGHTSHIFT_SETTINGS is not JSON.');
  expect(() => settingsIn('[]')).toThrow('The settings must be a JSON object, but it is [].');
});
