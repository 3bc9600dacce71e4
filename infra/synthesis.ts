import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { application } from './application.ts';
import type { Config } from './config.ts';
import { parseTemplate, type Template } from './template.ts';

/**
 * Synthesizes into a folder that is gone afterwards, without the checks, which take three quarters of the time: what is
 * deployed is checked. Throws what `application` throws.
 */
export function synthesize(config: Config, { bundles }: { bundles?: string } = {}): Template {
  const folder = mkdtempSync(join(tmpdir(), 'nightshift-synth-'));
  try {
    const { templateFullPath } = application(config, folder, {
      checked: false,
      ...(bundles !== undefined && { bundles }),
    })
      .app.synth()
      .getStackByName('nightshift');
    return parseTemplate(readFileSync(templateFullPath, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
