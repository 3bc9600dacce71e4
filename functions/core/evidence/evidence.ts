import * as z from 'zod/mini';
import { EvidenceMissing } from '../errors.ts';
import { Verdict } from './verdict.ts';

/**
 * Verdicts as NDJSON, one a line in the order given, each line with its newline. Without verdicts the text is empty.
 */
export function printEvidence(verdicts: readonly Verdict[]): string {
  return verdicts.map((verdict) => `${JSON.stringify(verdict)}\n`).join('');
}

/**
 * Verdicts from NDJSON.
 * @throws EvidenceMissing naming the line that is not a verdict, also if the end of the text is missing
 */
export function parseEvidence(text: string): Verdict[] {
  if (text === '') return [];
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new EvidenceMissing(`Line ${lines.length + 1} of the evidence is cut off.`);
  return lines.map((line, index) => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw new EvidenceMissing(`Line ${index + 1} of the evidence is not JSON.`, { cause: error });
    }
    const parsed = z.safeParse(Verdict, value);
    if (parsed.success) return parsed.data;
    throw new EvidenceMissing(`Line ${index + 1} of the evidence is not a verdict.`, { cause: parsed.error });
  });
}

/** How many verdicts there are, by result. */
export function countEvidence(verdicts: readonly Verdict[]): { total: number; passed: number; failed: number } {
  const passed = verdicts.filter(({ pass }) => pass).length;
  return { total: verdicts.length, passed, failed: verdicts.length - passed };
}
