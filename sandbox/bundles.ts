import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FUNCTIONS = fileURLToPath(new URL('../dist/functions/', import.meta.url));

/**
 * The bundles that `npm run build` made: handler file name → path.
 *
 * @throws Error when there are none.
 */
export function findBundles(): Map<string, string> {
  const found = existsSync(FUNCTIONS) ? readdirSync(FUNCTIONS) : [];
  const bundles = new Map(
    found
      .map((name): [string, string] => [name, join(FUNCTIONS, name, 'index.mjs')])
      .filter(([, path]) => existsSync(path)),
  );
  if (bundles.size === 0) throw new Error('the functions have not been built: run npm run build first');
  return bundles;
}
