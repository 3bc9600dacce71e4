import { requestOf } from './claims.ts';
import { perCluster } from './rule.ts';
import { deedsOf, isChange, isMigration } from './seen.ts';

/** Rule 12: a value is parsed once: what the schema accepts is obeyed. */
export const whatIsAcceptedIsObeyed = perCluster((cluster) =>
  cluster.executions.filter(isMigration).flatMap((execution) => {
    const { notBefore } = requestOf(cluster, execution) ?? {};
    if (notBefore === undefined) return [];
    const moment = Date.parse(notBefore);
    const early = deedsOf(execution).find((deed) => isChange(deed) && !(deed.at.getTime() >= moment));
    return early ? [`${early.what} at ${early.at.toISOString()}, where nothing may begin before ${notBefore}`] : [];
  }),
);
