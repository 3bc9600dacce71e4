import { expect, test } from 'vitest';
import { settleLimited } from '../../../functions/aws/clients.ts';

test('work on many items continues after a failure, which is returned with its item', async () => {
  let running = 0;
  let most = 0;
  const settled = await settleLimited([1, 2, 3, 4, 5], 2, async (item) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 1));
    running -= 1;
    if (item === 2) throw new Error('two');
    return item * 10;
  });
  expect(settled.done.toSorted()).toEqual([10, 30, 40, 50]);
  expect(settled.failed).toEqual([{ item: 2, error: new Error('two') }]);
  expect(most).toBe(2);
});
