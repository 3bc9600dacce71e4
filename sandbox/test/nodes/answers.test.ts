import { expect, test } from 'vitest';
import { AnswerReader } from '../../nodes/kernel/answers.ts';

function collect(chunks: Buffer[]) {
  const answers: unknown[] = [];
  const reader = new AnswerReader((id, result) => answers.push({ id, ...result }));
  for (const chunk of chunks) reader.read(chunk);
  return answers;
}

const TWO = Buffer.from('1 0 3 0\nok\n2 7 2 5\nö wrong');
const EXPECTED = [
  { id: 1, exitCode: 0, stdout: 'ok\n', stderr: '' },
  { id: 2, exitCode: 7, stdout: 'ö', stderr: ' wron' },
];

test('answers of a virtual machine are read whole, however their bytes come', () => {
  const whole = TWO.subarray(0, TWO.length - 1);
  expect(collect([whole])).toEqual(EXPECTED);
  expect(collect([...whole].map((byte) => Buffer.from([byte])))).toEqual(EXPECTED);
});

test('an answer that has not come whole is not answered', () => {
  expect(collect([TWO.subarray(0, TWO.length - 2)])).toEqual([EXPECTED[0]]);
});

test('a line that is not the agent’s is refused', () => {
  expect(() => collect([Buffer.from('sh: syntax error\n')])).toThrow("not a line of the agent's: sh: syntax error");
});
