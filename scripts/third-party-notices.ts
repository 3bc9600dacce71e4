import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';

/** One installed package whose code is in a bundle. `texts` are its licence and its NOTICE, as it ships them. */
export interface BundledPackage {
  name: string;
  version: string;
  licence: string;
  texts: readonly string[];
}

const Person = z.union([z.string(), z.object({ name: z.string() })]);
const Manifest = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string(),
  author: z.optional(Person),
});
const TEXT_FILES = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i;

/**
 * The packages that these files belong to, by name and version. `files` are paths below `root`, as in esbuild's
 * metafile; those outside node_modules are our own. Throws an Error that names a package without a licence text,
 * because its terms could not be met.
 */
export function bundledPackages(root: string, files: readonly string[]): BundledPackage[] {
  const folders = new Set(files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? []));
  const packages = [...folders].map((folder) => packageIn(join(root, folder)));
  return packages.toSorted((a, b) => compare(a.name, b.name) || compare(a.version, b.version));
}

function packageIn(folder: string): BundledPackage {
  const { name, version, license, author } = Manifest.parse(
    JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')),
  );
  const found = readdirSync(folder).filter((file) => TEXT_FILES.test(file));
  const texts = found.sort().map((file) => readFileSync(join(folder, file), 'utf8').replace(/\r\n/g, '\n').trim());
  if (found.some((file) => !/^notice/i.test(file))) return { name, version, licence: license, texts };
  const standard = STANDARD_TEXTS[license];
  if (!standard)
    throw new Error(
      `${name}@${version} (${license}) ships no licence text: leave it out of the bundles, or add its text`,
    );
  const holder = typeof author === 'string' ? author : author?.name;
  return { name, version, licence: license, texts: [standard(holder ?? `the authors of ${name}`), ...texts] };
}

const PERMISSION =
  'Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated ' +
  'documentation files (the "Software"), to deal in the Software without restriction, including without limitation ' +
  'the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and ' +
  'to permit persons to whom the Software is furnished to do so';
const NO_WARRANTY =
  'THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO ' +
  'THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE ' +
  'AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF ' +
  'CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS ' +
  'IN THE SOFTWARE.';

/**
 * Licence texts for packages that name a licence but do not ship its text. https://spdx.org/licenses/MIT.html,
 * MIT-0.html
 */
const STANDARD_TEXTS: Readonly<Record<string, (holder: string) => string>> = {
  MIT: (holder) =>
    `MIT License\n\nCopyright (c) ${holder}\n\n${PERMISSION}, subject to the following conditions: The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.\n\n${NO_WARRANTY}`,
  'MIT-0': (holder) => `MIT No Attribution\n\nCopyright ${holder}\n\n${PERMISSION}.\n\n${NO_WARRANTY}`,
};

/** The notices of one bundle: every package by name, then each distinct text once, with the packages that it covers. */
export function noticesText(packages: readonly BundledPackage[]): string {
  const holders = new Map<string, string[]>();
  for (const { name, version, texts } of packages)
    for (const text of texts) holders.set(text, [...(holders.get(text) ?? []), `${name}@${version}`]);
  const list = packages.map(({ name, version, licence }) => `${name}@${version} (${licence})`);
  const texts = [...holders].map(([text, names]) => `${RULE}\n${names.join('\n')}\n${RULE}\n\n${text}`);
  return `This bundle contains the following packages.\n\n${list.join('\n')}\n\n${texts.join('\n\n')}\n`;
}

const RULE = '-'.repeat(80);
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
