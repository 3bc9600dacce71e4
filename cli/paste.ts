import type { Connection } from './aws.ts';

/**
 * How the reader starts this program: `nightshift` where the launcher was found on the PATH, and `npx nightshift` in a
 * clone. The launcher says which; without it (`npm run demo`) the clone's way works.
 */
const SELF = process.env['NIGHTSHIFT_COMMAND'] ?? 'npx nightshift';

/** A command of nightshift that the reader can paste. `words` are what follows the program's name. */
export function nightshiftCommand(words: string): string {
  return `${SELF} ${words}`;
}

/** Help texts write `$ nightshift …` for this program; the reader sees how it is started here. */
export function pasteable(text: string): string {
  return text.replaceAll('$ nightshift', SELF);
}

/** A command of the AWS CLI that the reader can paste: it goes to the Region and the endpoint that nightshift asked. */
export function awsCommand({ region, endpoint }: Pick<Connection, 'region' | 'endpoint'>, words: string): string {
  const place = endpoint === null ? '' : ` --endpoint-url ${endpoint}`;
  return `aws ${words} --region ${region}${place}`;
}
