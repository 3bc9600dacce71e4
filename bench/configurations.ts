import { readYamlDocument, yamlValues } from '../functions/core/values/yaml-text.ts';
import { type Bench, fastest, type Row } from './measure.ts';

/** Measures how parsing a configuration grows with its keys. A text over 32,768 characters is refused unread. */
export const bench: Bench = {
  title: 'configuration values: read YAML and refuse equal keys',
  rows: () =>
    [1_000, 10_000, 20_000].map((keys): Row => {
      const text = Array.from({ length: keys }, (_, index) => `key${index}: value${index}`).join('\n');
      const read = () => yamlValues(readYamlDocument(text, { version: '1.2', duplicateKeys: 'refused' }));
      return { what: `${keys.toLocaleString('en')} keys`, count: keys, milliseconds: fastest(read, 3) };
    }),
};
