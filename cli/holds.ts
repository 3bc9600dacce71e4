import {
  DeleteParameterCommand,
  GetParametersCommand,
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
  /** Null if it holds all clusters, a batch, or a stage. */
  cluster: string | null;
  /** The batch that it holds; absent if it holds something else. */
  batch?: string;
  /** The stage that it holds; absent if it holds something else. */
  stage?: string;
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

/** The value of a parameter; null if there is none. @throws Failure */
export function readParameter(connection: Connection, name: string): Promise<string | null> {
  return withSsm(connection, async (ssm) => {
    const { Parameters } = await asking(connection, `read the parameter ${name}`, () =>
      ssm.send(new GetParametersCommand({ Names: [name] })),
    );
    return Parameters?.at(0)?.Value ?? null;
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
 * clusters, of stages, of batches.
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
    return listed.toSorted((one, other) => rank(one) - rank(other) || nameIn(one).localeCompare(nameIn(other)));
  });
}

/** Clusters first, then stages, then batches. */
const rank = ({ batch, stage }: ListedHold): number => (batch !== undefined ? 2 : stage !== undefined ? 1 : 0);

const nameIn = ({ cluster, batch, stage }: ListedHold): string => batch ?? stage ?? cluster ?? '';

/** What a scope covers, as a listed hold has it. */
export function subjectOf(scope: HoldScope): Pick<ListedHold, 'cluster' | 'batch' | 'stage'> {
  if (scope.kind === 'batch') return { cluster: null, batch: scope.batch };
  if (scope.kind === 'stage') return { cluster: null, stage: scope.stage };
  return { cluster: scope.kind === 'all' ? null : scope.cluster };
}

/** Nothing for a parameter that is none of nightshift's. */
function listedHold(name: string, value: string, now: Date): ListedHold[] {
  const scope = scopeOf(name);
  if (scope === null) return [];
  const hold = holdOf({ name, value });
  return [{ ...subjectOf(scope), ...hold, active: isInForce(hold, now) }];
}
