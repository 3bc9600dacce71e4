import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { choiceOf, MODES } from '../../../../functions/core/modes/index.ts';

const root = new URL('../../../../', import.meta.url);
const FOLDERS = ['functions', 'cli', 'infra'];
const MODE = Object.keys(MODES).join('|');

/** Every place in a source text that asks for a mode by its name, as it is written there. */
function comparisonsIn(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
  const name = `(['"\`])(?:${MODE})\\1`;
  const patterns = [
    `[!=]==?\\s*${name}`,
    `${name}\\s*[!=]==?`,
    `\\bcase\\s+${name}`,
    `\\.(?:includes|startsWith|endsWith|has|is)\\(\\s*${name}`,
    `z\\.(?:literal|enum)\\(\\s*\\[?\\s*${name}`,
    `/[^/\\n]*[(|^](?:${MODE})[)|$][^/\\n]*/`,
  ];
  return patterns.flatMap((pattern) => [...code.matchAll(new RegExp(pattern, 'g'))].map(([found]) => found));
}

describe('what depends on the mode of kube-proxy', () => {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `${folder}/${file}`),
  ).filter((file) => !file.startsWith('functions/core/modes/'));

  it('stands in the table of modes: no other source compares with the name of one', () => {
    expect(files.length).toBeGreaterThan(200);
    const found = files.flatMap((file) =>
      comparisonsIn(readFileSync(new URL(file, root), 'utf8')).map((comparison) => `${file}: ${comparison}`),
    );
    expect(found).toEqual([]);
  });

  it.each([
    "if (target.mode !== 'ipvs') return;",
    "const former = mode === 'ipvs' ? one : other;",
    'return "iptables" === mode;',
    "case 'nftables':",
    "if (MODES.includes('ipvs')) return;",
    "mode: z.literal('ipvs', { error }),",
    "mode: z.enum(['iptables', 'ipvs']),",
    "['mode', /^(iptables|ipvs)$/],",
  ])('would be noticed in %s', (source) => {
    expect(comparisonsIn(source)).toHaveLength(1);
  });

  it.each([
    "// mode === 'ipvs'",
    "target: { mode: 'ipvs', scheduler: 'rr' },",
    "fields.get('ipvs.scheduler') === true",
  ])('does not include %s', (source) => {
    expect(comparisonsIn(source)).toEqual([]);
  });

  it('has no field of its own that a change to it does not set', () => {
    const { fields } = choiceOf({ mode: 'ipvs', scheduler: 'lc' });
    expect(fields).toEqual([
      { field: ['mode'], value: 'ipvs' },
      { field: ['ipvs', 'scheduler'], value: 'lc' },
    ]);
    expect(choiceOf({ mode: 'iptables' }).fields).toEqual([{ field: ['mode'], value: 'iptables' }]);
  });
});
