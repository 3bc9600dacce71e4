import { eventBus } from '../aws/events.ts';
import { objectStore } from '../aws/s3.ts';
import { ssm } from '../aws/ssm.ts';
import { Input } from '../contracts/record-outcome.ts';
import { environment } from '../runtime/environment.ts';
import { wrap } from '../runtime/wrap.ts';
import { type Deps, recordOutcome } from './shared/outcome.ts';

export { recordOutcome } from './shared/outcome.ts';

const live: Deps = {
  store: objectStore(environment.evidenceBucket),
  bus: eventBus(environment.eventBus),
  holds: ssm,
};

export const handler = wrap(Input, recordOutcome(live));
