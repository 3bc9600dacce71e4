import type { Settled } from '../../aws/clients.ts';
import { SweepIncomplete } from '../../core/errors.ts';
import { named } from '../../core/values/named.ts';
import { type Log, presented } from '../../runtime/wrap.ts';

/**
 * Logs one line for each item that failed, and then fails for all of them together: the other items are done. Throws
 * SweepIncomplete that names the first ten.
 */
export function failTogether<Item>(
  failed: Settled<Item, unknown>['failed'],
  nameOf: (item: Item) => string,
  log: Log,
): void {
  const [first] = failed;
  if (first === undefined) return;
  for (const { item, error } of failed) {
    const { name, message } = presented(error);
    log.decision('sweep.failed', { name: nameOf(item), error: name, message });
  }
  const names = failed.map(({ item }) => nameOf(item));
  const { name, message } = presented(first.error);
  throw new SweepIncomplete(
    `${named(names, { most: 10, separator: ', ' })} could not be looked after: ${name}: ${message}`,
    {
      cause: first.error,
    },
  );
}
