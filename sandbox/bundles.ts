import { buildFunctions } from '../build.ts';

/**
 * The functions' bundles: handler file name → path. Builds what has changed since the last build, so that nobody tries
 * yesterday's functions, and nothing when nothing has changed.
 */
export async function findBundles(): Promise<Map<string, string>> {
  return new Map((await buildFunctions({ quiet: true })).map(({ name, file }) => [name, file]));
}
