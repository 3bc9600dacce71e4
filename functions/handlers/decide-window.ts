import { type CloudWatch, cloudwatch } from '../aws/cloudwatch.ts';
import { type Ssm, ssm } from '../aws/ssm.ts';
import { type StepFunctions, stepFunctions } from '../aws/step-functions.ts';
import { Input, type Output } from '../contracts/decide-window.ts';
import { assertNever, GuardRaised, OnHold, TargetLost, UnknownWindow, WindowNever } from '../core/errors.ts';
import { LONGEST_WAIT_DAYS, type MigrationRequest, parseRequest } from '../core/execution/request.ts';
import { guardText, NO_GUARDS } from '../core/guards/alarms.ts';
import { type ActiveHold, holdInForce, holdsOf, holdText, isBatchHold } from '../core/guards/holds.ts';
import { decideWindow as decide, parseWindow, type WindowHold } from '../core/window/window.ts';
import { environment } from '../runtime/environment.ts';
import { type Log, type Run, wrap } from '../runtime/wrap.ts';
import { askGuards } from './shared/guards.ts';

export interface Deps {
  ssm: Pick<Ssm, 'calendars' | 'parameters'>;
  cloudwatch: CloudWatch;
  stepFunctions: Pick<StepFunctions, 'standing'>;
  /** The configured windows by name, not yet parsed. */
  windows: () => ReadonlyMap<string, unknown>;
}

/**
 * Decides whether disruption is allowed now, or when it will be. Without a configured window it is never allowed. A
 * hold or a raised guard closes every window; it also stops a cluster that needs none. The hold of its batch ends a
 * migration before its change: it waits for no other window.
 * Throws TargetLost for a request that may change nothing: only a cluster that does not prove the target gets here.
 * Throws UnknownWindow, WindowNever, OnHold, GuardRaised, InvalidRequest for a request or a window that breaks a rule.
 */
export function decideWindow(deps: Deps): Run<Input, Output> {
  return async (input, log) => {
    const request = parseRequest(input.request);
    if (request.proofOnly)
      throw new TargetLost(`${request.cluster} no longer proves the target, and this execution may change nothing.`);
    const { cluster, batch, stage } = request;
    if (input.before === 'change') await requireRollout(deps, request);
    const scopes = {
      ...(input.before === 'change' && batch && { batch: batch.name }),
      ...(stage !== undefined && { stage }),
    };
    const holds = await deps.ssm.parameters(holdsOf(cluster, scopes));
    const batchHold = holdInForce(holds.filter(isBatchHold), input.now);
    if (batchHold !== null) throw new OnHold(`${request.cluster} is not changed: ${holdText(batchHold)}.`);
    const hold = holdInForce(holds, input.now);
    const stop = hold === null ? await guardOf(deps, input, log) : byHold(hold);
    const output = passWithoutWindow(request, input, stop) ?? (await askWindow(deps, request, input, stop));
    log.decision(`window.${output.kind}`, { cluster: request.cluster, ...output });
    return output;
  };
}

const ROLLOUT = /^arn:[\w-]+:states:[\w-]+:\d{12}:execution:[\w-]*migrate-fleet:/;

/** A migration that a rollout started does not begin after the rollout has ended. Throws OnHold. */
async function requireRollout({ stepFunctions }: Deps, request: MigrationRequest): Promise<void> {
  const { AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: parent } = request;
  if (parent === undefined || !ROLLOUT.test(parent)) return;
  const standing = await stepFunctions.standing(parent);
  if (standing?.status === 'RUNNING') return;
  const how = standing === null ? 'is not known any more' : `is ${standing.status}`;
  throw new OnHold(`${request.cluster} is not changed: the rollout that started this migration ${how}.`);
}

/** What closes every window now: a person's hold, or else a guard. */
type Stop = WindowHold & { error: typeof OnHold | typeof GuardRaised };

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Opens a window of 24 hours for `--now`, and for a cluster without nodes. `nodes` is null unless Kubernetes was asked.
 * Throws OnHold, GuardRaised.
 */
function passWithoutWindow(request: MigrationRequest, { now, nodes }: Input, stop: Stop | null): Output | null {
  const { now: explicit, window } = request;
  if (!explicit && nodes !== 0) return null;
  if (stop !== null) {
    // A window that is configured says when to ask again.
    if (!explicit && window !== undefined) return null;
    throw new stop.error(`${request.cluster} cannot be changed now: ${stop.text}.`);
  }
  const reason = explicit ? `started now on purpose: ${explicit.reason}` : 'the cluster has no node to disrupt';
  const end = new Date(now.getTime() + DAY_MS).toISOString();
  return { kind: 'open', closesAt: end, lastStartAt: end, reason };
}

async function askWindow(
  deps: Deps,
  request: MigrationRequest,
  { now, needSeconds }: Input,
  stop: Stop | null,
): Promise<Output> {
  const window = parseWindow(findWindow(deps.windows(), request));
  const calendars = await deps.ssm.calendars(window.changeCalendars);
  const decision = decide(window, now, { calendars, needSeconds, hold: stop });
  const { reason } = decision;
  switch (decision.kind) {
    case 'open': {
      const { closesAt, lastStartAt } = decision;
      return { kind: 'open', closesAt: closesAt.toISOString(), lastStartAt: lastStartAt.toISOString(), reason };
    }
    case 'closed':
      if (decision.opensAt.getTime() - now.getTime() > LONGEST_WAIT_DAYS * DAY_MS)
        throw new WindowNever(
          `Window ${request.window} opens at ${decision.opensAt.toISOString()}, more than ${LONGEST_WAIT_DAYS} days from now: no execution lives to see it.`,
        );
      return {
        kind: 'closed',
        opensAt: decision.opensAt.toISOString(),
        reason,
        onHold: stop?.error === OnHold,
        guarded: stop?.error === GuardRaised,
      };
    case 'never':
      throw new WindowNever(`Window ${request.window} never lets ${request.cluster} change: ${reason}.`);
    default:
      return assertNever(decision);
  }
}

function byHold(hold: ActiveHold): Stop {
  return { error: OnHold, until: hold.until === null ? null : new Date(hold.until), text: holdText(hold) };
}

/** No alarm says when it will be OK, so a guard is asked again in the next window. */
async function guardOf(deps: Deps, { guards = NO_GUARDS }: Input, log: Log): Promise<Stop | null> {
  const decision = await askGuards(deps.cloudwatch, guards, log);
  return decision.kind === 'quiet' ? null : { error: GuardRaised, until: null, text: guardText(decision.alarms) };
}

function findWindow(windows: ReadonlyMap<string, unknown>, { cluster, window }: MigrationRequest): unknown {
  const configured = windows.size === 0 ? 'No window is configured' : `Configured: ${[...windows.keys()].join(', ')}`;
  if (window === undefined) throw new WindowNever(`The request for ${cluster} names no window. ${configured}.`);
  if (windows.has(window)) return windows.get(window);
  throw new UnknownWindow(`There is no window ${window}. ${configured}.`);
}

export const handler = wrap(Input, decideWindow({ ssm, cloudwatch, stepFunctions, windows: environment.windows }));
