import { createRequire } from 'node:module';
import { z } from 'zod';

const Verdict = z.object({ errors: z.array(z.looseObject({ Message: z.string() })) });

/** asl-validator's complaints about a definition. The package is CommonJS without types. */
export function aslValidatorMessages(definition: unknown): string[] {
  const validate: unknown = createRequire(import.meta.url)('asl-validator');
  if (typeof validate !== 'function') throw new Error('asl-validator exports no function');
  return Verdict.parse(validate(definition, { checkPaths: true, checkArn: true })).errors.map(({ Message }) => Message);
}
