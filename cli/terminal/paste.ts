import { isAbsolute, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The reader's folder. npm runs scripts in the package's folder and keeps the reader's in INIT_CWD. */
const HERE = process.env['INIT_CWD'] ?? process.cwd();

/**
 * How the reader starts this program: `nightshift` if the launcher was found on the PATH, `npx nightshift` in a clone,
 * and otherwise the launcher's path. The launcher passes on whether it is on the PATH; `npm run demo` has no launcher.
 */
const SELF = process.env['NIGHTSHIFT_COMMAND'] ?? (isBelow(ROOT) ? 'npx nightshift' : launcher());

/** A command of nightshift that the reader can paste. `words` follow the program's name. */
export function nightshiftCommand(words: string): string {
  return `${SELF} ${words}`;
}

/** The command that audits an execution. An ARN names one, even if several state machines are deployed. */
export function auditCommand({ arn }: { arn: string }): string {
  return nightshiftCommand(`audit ${arn}`);
}

/** The command that serves the demo's world. */
export function sandboxCommand(): string {
  return nightshiftCommand(`sandbox --world ${repositoryPath('sandbox/worlds/demo.json')}`);
}

/** The path of a file of the repository, relative to the reader's folder. */
export function repositoryPath(file: string): string {
  const path = relative(HERE, join(ROOT, file));
  return shellWord(path.startsWith('..') || isAbsolute(path) ? join(ROOT, file) : path);
}

/** Replaces `$ nightshift …` in help texts by the way in which the reader starts this program. */
export function pasteable(text: string): string {
  return text.replaceAll('$ nightshift', SELF);
}

/** A command of the AWS CLI that the reader can paste, with the Region and the endpoint that nightshift uses. */
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
