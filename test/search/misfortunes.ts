import type { CaseFault } from './case.ts';
import { asJson, type Seen, textOf } from './seen.ts';

/** What takes an execution's record and its events: neither is a condition of safety. */
const BOOKKEEPING = new Set(['s3', 'events']);

const serviceOf = (fault: CaseFault): string => textOf(fault['outage']) || textOf(asJson(fault['on'])['service']);
const operationOf = (fault: CaseFault): string =>
  textOf(fault['operation']) || textOf(asJson(fault['on'])['operation']);

/** Whether a fault that takes a service's calls goes on for ever. */
export const isEndless = (fault: CaseFault): boolean =>
  'outage' in fault ? fault['for'] === undefined : fault['times'] === 'every';

/** Whether a service, or one operation of it, has no end of its outage. */
export function isOutForEver({ of }: Seen, service: string, operation: string): boolean {
  return of.faults.some(
    (fault) => serviceOf(fault) === service && isEndless(fault) && [operation, ''].includes(operationOf(fault)),
  );
}

/** Whether the bucket and the bus take, at last, what an execution has to record. */
export const canRecord = (seen: Seen): boolean =>
  !isOutForEver(seen, 's3', 'PutObject') && !isOutForEver(seen, 'events', 'PutEvents');

/** Whether nothing went wrong but that the bus or the bucket took nothing for a while. */
export function isOnlyBookkeeping({ of }: Seen): boolean {
  return (
    of.faults.length > 0 &&
    of.faults.every(
      (fault) =>
        BOOKKEEPING.has(serviceOf(fault)) && ['PutEvents', 'PutObject'].includes(operationOf(fault) || 'PutEvents'),
    ) &&
    !of.faults.some((fault) => fault['outage'] === 's3' && operationOf(fault) === '')
  );
}

/** How many executions a person starts on top of what was asked. */
export const duplicatesIn = ({ of }: Seen): number =>
  of.faults.filter(({ execution }) => execution === 'duplicate').length;
