import { createHash } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { AddonUpdate } from '../../region.ts';
import { ServiceError } from '../../wire/error.ts';

const DAY_MS = 86_400_000;

/** An add-on's updates of earlier days, one a day, all of them ended. EKS keeps them for as long as the cluster lives. */
export function pastUpdates(count: number, before: Date): AddonUpdate[] {
  return Array.from({ length: count }, (_, index) => {
    const at = new Date(before.getTime() - (count - index) * DAY_MS);
    return {
      id: idOf(`past-${index}`),
      status: 'Successful' as const,
      createdAt: at,
      appliedAt: at,
      clientRequestToken: undefined,
      params: [{ type: 'ResolveConflicts', value: 'OVERWRITE' }],
      errors: [],
    };
  });
}

/** An id in the form of EKS's: a UUID, which has no order. */
function idOf(name: string): string {
  const digest = createHash('sha256').update(name).digest('hex');
  return digest.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-3$3-8$4-$5');
}

/** ListUpdates answers in no order: https://github.com/aws/containers-roadmap/issues/1439 */
export function inNoOrder(ids: readonly string[]): string[] {
  const place = (id: string) => createHash('sha256').update(id).digest('hex');
  return ids.toSorted((one, other) => (place(one) < place(other) ? -1 : 1));
}

/** Calls of one operation that EKS answers within a second of the sandbox's time. */
const CALLS_A_SECOND = 100;

/** Throws EKS's ThrottlingException for the call after the last one that a second has. */
export function throttle(clock: Clock, most: number = CALLS_A_SECOND): () => void {
  let [second, calls] = [0, 0];
  return () => {
    const now = Math.floor(clock.now().getTime() / 1000);
    if (now !== second) [second, calls] = [now, 0];
    calls += 1;
    if (calls > most) throw new ServiceError('ThrottlingException', 'Rate exceeded', 429);
  };
}
