import { isAbsolute, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The reader's folder; npm's scripts run in that of the package and keep the former in INIT_CWD. */
const HERE = process.env['INIT_CWD'] ?? process.cwd();

/**
 * How the reader starts this program: `nightshift` where the launcher was found on the PATH, `npx nightshift` in a
 * clone, and the launcher's path elsewhere. The launcher knows the first; `npm run demo` has none.
 */
const SELF = process.env['NIGHTSHIFT_COMMAND'] ?? (isBelow(ROOT) ? 'npx nightshift' : launcher());

/** A command of nightshift that the reader can paste. `words` are what follows the program's name. */
export function nightshiftCommand(words: string): string {
  return `${SELF} ${words}`;
}

/** The command that prints the story of an execution. An ARN names one, however many are deployed. */
export function auditCommand({ arn }: { arn: string }): string {
  return nightshiftCommand(`audit ${arn}`);
}

/** Serves the demo's world. */
export function sandboxCommand(): string {
  return nightshiftCommand(`sandbox --world ${repositoryPath('sandbox/worlds/demo.json')}`);
}

/** A file of the repository, as the reader can name it from where they are. */
export function repositoryPath(file: string): string {
  const path = relative(HERE, join(ROOT, file));
  return shellWord(path.startsWith('..') || isAbsolute(path) ? join(ROOT, file) : path);
}

/** Help texts write `$ nightshift …` for this program; the reader sees how it is started here. */
export function pasteable(text: string): string {
  return text.replaceAll('$ nightshift', SELF);
}

/** A command of the AWS CLI that the reader can paste: it goes to the Region and the endpoint that nightshift asked. */
export function awsCommand({ region, endpoint }: { region: string; endpoint: string | null }, words: string): string {
  const place = endpoint === null ? '' : ` --endpoint-url ${endpoint}`;
  return `aws ${words} --region ${region}${place}`;
}

function launcher(): string {
  return `node ${shellWord(join(ROOT, 'cli/bin/nightshift.mjs'))}`;
}

function isBelow(folder: string): boolean {
  const path = relative(folder, HERE);
  return !path.startsWith('..') && !isAbsolute(path);
}

function shellWord(text: string): string {
  return /^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
