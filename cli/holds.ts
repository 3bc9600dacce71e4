import {
  DeleteParameterCommand,
  ParameterNotFound,
  PutParameterCommand,
  paginateGetParametersByPath,
  SSMClient,
} from '@aws-sdk/client-ssm';
import {
  HOLDS_PATH,
  type Hold,
  type HoldScope,
  holdOf,
  holdParameter,
  isInForce,
  scopeOf,
} from '../functions/core/guards/holds.ts';
import { asking, type Connection } from './aws.ts';

/** A hold as the command line prints it. Times are ISO 8601 in UTC. */
export interface ListedHold extends Hold {
  /** Null if it holds all clusters, or a batch. */
  cluster: string | null;
  /** The batch that it holds; absent if it holds a cluster, or all clusters. */
  batch?: string;
  /** Whether it is in force now: its end may have passed. */
  active: boolean;
}

async function withSsm<Result>(connection: Connection, run: (ssm: SSMClient) => Promise<Result>): Promise<Result> {
  const ssm = new SSMClient(connection.settings);
  try {
    return await run(ssm);
  } finally {
    ssm.destroy();
  }
}

/** Creates a hold, or replaces the one that is there. @throws Failure */
export function putHold(connection: Connection, scope: HoldScope, hold: Hold): Promise<void> {
  return withSsm(connection, async (ssm) => {
    const request = { Name: holdParameter(scope), Value: JSON.stringify(hold), Type: 'String' as const };
    await asking(connection, 'put the hold', () => ssm.send(new PutParameterCommand({ ...request, Overwrite: true })));
  });
}

/** Deletes a hold. False if there was none. @throws Failure */
export function deleteHold(connection: Connection, scope: HoldScope): Promise<boolean> {
  return withSsm(connection, async (ssm) => {
    try {
      await asking(connection, 'release the hold', () =>
        ssm.send(new DeleteParameterCommand({ Name: holdParameter(scope) })),
      );
      return true;
    } catch (error) {
      if (error instanceof ParameterNotFound) return false;
      throw error;
    }
  });
}

/** All holds of this account and Region, those whose end has passed too: the one of all clusters, then those of
 * clusters, then those of batches.
 * @throws Failure */
export function listHolds(connection: Connection, now: Date): Promise<ListedHold[]> {
  return withSsm(connection, async (ssm) => {
    const request = { Path: HOLDS_PATH, Recursive: true };
    const listed = await asking(connection, 'read the holds', async () => {
      const found: ListedHold[] = [];
      for await (const page of paginateGetParametersByPath({ client: ssm }, request))
        for (const { Name = '', Value = '' } of page.Parameters ?? []) found.push(...listedHold(Name, Value, now));
      return found;
    });
    return listed.toSorted(
      (one, other) => Number('batch' in one) - Number('batch' in other) || nameIn(one).localeCompare(nameIn(other)),
    );
  });
}

const nameIn = ({ cluster, batch }: ListedHold): string => batch ?? cluster ?? '';

/** What a scope covers, as a listed hold has it. */
export function subjectOf(scope: HoldScope): Pick<ListedHold, 'cluster' | 'batch'> {
  if (scope.kind === 'batch') return { cluster: null, batch: scope.batch };
  return { cluster: scope.kind === 'all' ? null : scope.cluster };
}

/** Nothing for a parameter that is none of nightshift's. */
function listedHold(name: string, value: string, now: Date): ListedHold[] {
  const scope = scopeOf(name);
  if (scope === null) return [];
  const hold = holdOf({ name, value });
  return [{ ...subjectOf(scope), ...hold, active: isInForce(hold, now) }];
}
