import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EvidenceMissing } from '../../../../functions/core/errors.ts';
import { countEvidence, parseEvidence, printEvidence } from '../../../../functions/core/evidence/evidence.ts';
import type { Verdict } from '../../../../functions/core/evidence/verdict.ts';

const verdict: Verdict = {
  node: 'i-1',
  name: 'n',
  pass: true,
  reasons: ['é\n'],
  facts: { a: 1, b: 'x' },
  excerpt: 'T\nU',
};

describe('evidence', () => {
  it('is one verdict a line', () => {
    expect(printEvidence([verdict])).toBe(
      '{"node":"i-1","name":"n","pass":true,"reasons":["é\\n"],"facts":{"a":1,"b":"x"},"excerpt":"T\\nU"}\n',
    );
    expect(printEvidence([])).toBe('');
    expect(parseEvidence('')).toEqual([]);
  });

  it('reads back what it printed', () => {
    const any = fc.record({
      node: fc.string(),
      name: fc.string(),
      pass: fc.boolean(),
      reasons: fc.array(fc.string()),
      facts: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer()), { noNullPrototype: true }).map((facts) => {
        const { ['__proto__']: _left, ...rest } = facts;
        return rest;
      }),
      excerpt: fc.string({ unit: 'grapheme' }),
    });
    fc.assert(
      fc.property(fc.array(any), (verdicts) => {
        expect(parseEvidence(printEvidence(verdicts))).toEqual(verdicts);
      }),
    );
  });

  it.each([
    [printEvidence([verdict, verdict]).slice(0, -1), 'Line 2 of the evidence is cut off.'],
    ['{"node":\n', 'Line 1 of the evidence is not JSON.'],
    [`${printEvidence([verdict])}{"node":"i-1"}\n`, 'Line 2 of the evidence is not a verdict.'],
    ['\n', 'Line 1 of the evidence is not JSON.'],
  ])('is not read where it is damaged: %#', (text, message) => {
    expect(() => parseEvidence(text)).toThrow(new EvidenceMissing(message));
  });

  it('is counted', () => {
    expect(countEvidence([verdict, verdict, { ...verdict, pass: false }])).toEqual({ total: 3, passed: 2, failed: 1 });
  });
});
