import { readFileSync } from 'node:fs';

const FUNCTIONS = new URL('../../functions/', import.meta.url);
const ENVIRONMENT = new URL('runtime/environment.ts', FUNCTIONS);
/** The variables that Lambda sets by itself. */
const LAMBDAS_OWN = ['AWS_REGION'];

/** The variables that a handler reads, itself or in a file that it imports. */
export function variablesRead(handler: string): string[] {
  const names = new Map(
    [...source(ENVIRONMENT).matchAll(/^ {2}(\w+): once\(\(\) => .*variable\('(\w+)'\)/gm)].map(([, member, name]) => [
      member,
      name,
    ]),
  );
  const read = new Set<string>();
  for (const file of reachable(new URL(`handlers/${handler}.ts`, FUNCTIONS)))
    for (const [, member = ''] of source(file).matchAll(/(?<![\w/])environment\.(\w+)/g)) {
      const name = names.get(member);
      if (name === undefined) throw new Error(`${file.pathname} reads environment.${member}, which reads no variable`);
      if (!LAMBDAS_OWN.includes(name)) read.add(name);
    }
  return [...read].sort();
}

const source = (file: URL): string => readFileSync(file, 'utf8');

/** The handler's own sources: every file that it imports by a relative path, except for types. */
function reachable(start: URL): URL[] {
  const found = new Map([[start.href, start]]);
  for (const file of found.values())
    for (const [, imported = '', path = ''] of source(file).matchAll(/^(?:import|export) ([^;]*?) from '(\..+?)';/gm)) {
      const next = new URL(path, file);
      if (!onlyTypes(imported) && next.href !== ENVIRONMENT.href) found.set(next.href, next);
    }
  return [...found.values()];
}

function onlyTypes(imported: string): boolean {
  const names = /^\{(.*)\}$/s.exec(imported)?.[1] ?? imported;
  return names.split(',').every((name) => name.trim() === '' || name.trim().startsWith('type '));
}
