import { fileURLToPath } from 'node:url';
import { isNightshiftError } from '../functions/core/errors.ts';
import { application } from './application.ts';
import { readConfig } from './config.ts';

const ROOT = new URL('..', import.meta.url);

/**
 * Writes the cloud assembly into the CDK command's folder, or into cdk.out. The first argument is the configuration.
 */
function main(): void {
  const outdir = process.env['CDK_OUTDIR'] ?? fileURLToPath(new URL('cdk.out', ROOT));
  const file = process.argv[2] ?? fileURLToPath(new URL('nightshift.config.json', ROOT));
  application(readConfig(file), outdir).app.synth();
}

try {
  main();
} catch (error) {
  if (!isNightshiftError(error)) throw error;
  console.error(`${error.name}: ${error.message} ${error.nextStep}`);
  process.exitCode = 2;
}
