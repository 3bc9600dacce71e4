import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const folder = new URL('../../../functions/core/', import.meta.url);
const ALLOWED = new Set(['zod/mini', 'croner', 'ajv', 'yaml', 'ipaddr.js']);

/** Whether a relative import of `file` leads to a source of core. */
function staysInCore(from: string, file: string): boolean {
  const target = new URL(from, new URL(file, folder)).href;
  return /^\.\.?\//.test(from) && target.startsWith(folder.href) && target.endsWith('.ts');
}

/** What a source text of core must not have, one finding a line. */
function impurities(source: string, file = 'x.ts'): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
  const found: string[] = [];
  for (const [, from = ''] of code.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)['"`]([^'"`]+)['"`]/g))
    if (!ALLOWED.has(from) && !staysInCore(from, file)) found.push(`imports ${from}`);
  for (const [name, rule] of Object.entries({
    process: /\bprocess\s*[.[]/,
    'Date.now': /\bDate\s*\.\s*now\b/,
    'new Date()': /\bnew\s+Date\s*(\(\s*\)|(?!\s*\())/,
    'Date()': /(?<!new\s+)(?<![.\w])Date\s*\(/,
    console: /\bconsole\s*[.[]/,
    globalThis: /\bglobalThis\b/,
    'Math.random': /\bMath\s*\.\s*random\b/,
    performance: /\bperformance\s*\./,
    timers: /\bset(Timeout|Interval|Immediate)\b/,
  }))
    if (rule.test(code)) found.push(`uses ${name}`);
  return found;
}

describe('core is pure', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

  it('holds the files that the design names', () => {
    const named = ['errors.ts', 'window/window.ts', 'fleet/slots.ts', 'preflight/plan.ts', 'execution/lease.ts'];
    expect(files).toEqual(expect.arrayContaining([...named, 'evidence/verdict.ts', 'modes/proxy-mode.ts']));
  });

  it.each(files)('%s imports nothing outward and reads no clock, environment or console', (file) => {
    expect(impurities(readFileSync(new URL(file, folder), 'utf8'), file)).toEqual([]);
  });

  it.each([
    ["import { EKSClient } from '@aws-sdk/client-eks';", 'imports @aws-sdk/client-eks'],
    ["import { x } from '../aws/eks.ts';", 'imports ../aws/eks.ts'],
    ["import 'node:fs';", 'imports node:fs'],
    ["const z = await import('zod');", 'imports zod'],
    ['const a = process.env;', 'uses process'],
    ['const now = Date.now();', 'uses Date.now'],
    ['const now = new Date();', 'uses new Date()'],
    ['const now = new Date;', 'uses new Date()'],
    ["console.log('x');", 'uses console'],
  ])('would notice %s', (source, finding) => {
    expect(impurities(source)).toEqual([finding]);
  });

  it('lets a date be made from a number', () => {
    expect(impurities('const then = new Date(start.getTime());')).toEqual([]);
  });
});
