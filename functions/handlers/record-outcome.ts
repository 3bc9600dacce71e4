import { eventBus } from '../aws/events.ts';
import { objectStore } from '../aws/s3.ts';
import { environment } from './shared/environment.ts';
import { type Deps, OutcomeInput, recordOutcome } from './shared/outcome.ts';
import { wrap } from './shared/wrap.ts';

export { recordOutcome } from './shared/outcome.ts';

const live: Deps = { store: objectStore(environment.evidenceBucket), bus: eventBus(environment.eventBus) };

export const handler = wrap(OutcomeInput, recordOutcome(live));
