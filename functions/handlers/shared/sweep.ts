import type { Settled } from '../../aws/clients.ts';
import { SweepIncomplete } from '../../core/errors.ts';
import { presented, type Say } from '../../runtime/wrap.ts';

const NAMED = 10;

/**
 * Says what failed, one line each, and fails for all of it together: the others are done. Throws SweepIncomplete that
 * names the first ten.
 */
export function failTogether<Item>(
  failed: Settled<Item, unknown>['failed'],
  nameOf: (item: Item) => string,
  say: Say,
): void {
  const [first] = failed;
  if (first === undefined) return;
  for (const { item, error } of failed) {
    const { name, message } = presented(error);
    say.decision('sweep.failed', { name: nameOf(item), error: name, message });
  }
  const names = failed.slice(0, NAMED).map(({ item }) => nameOf(item));
  const more = failed.length > NAMED ? ` and ${failed.length - NAMED} more` : '';
  const { name, message } = presented(first.error);
  throw new SweepIncomplete(`${names.join(', ')}${more} could not be looked after: ${name}: ${message}`, {
    cause: first.error,
  });
}
