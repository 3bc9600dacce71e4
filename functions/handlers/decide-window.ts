import { type Ssm, ssm } from '../aws/ssm.ts';
import { Input, type Output } from '../contracts/decide-window.ts';
import { assertNever, OnHold, UnknownWindow, WindowNever } from '../core/errors.ts';
import { LONGEST_WAIT_DAYS, type MigrationRequest, parseRequest } from '../core/execution/request.ts';
import { type ActiveHold, holdInForce, holdsOf, holdText, isBatchHold } from '../core/guards/holds.ts';
import { decideWindow as decide, parseWindow, type WindowHold } from '../core/window/window.ts';
import { environment } from '../runtime/environment.ts';
import { type Run, wrap } from '../runtime/wrap.ts';

export interface Deps {
  ssm: Pick<Ssm, 'calendars' | 'parameters'>;
  /** The configured windows by name, not yet parsed. */
  windows: () => ReadonlyMap<string, unknown>;
}

/**
 * Decides whether disruption is allowed now, or when it will be. Without a configured window it is never allowed. A
 * hold closes every window; it also stops a cluster that needs none. The hold of its batch ends a migration before its
 * change: it waits for no other window.
 * Throws UnknownWindow, WindowNever, OnHold, InvalidRequest for a request or a window that breaks a rule.
 */
export function decideWindow(deps: Deps): Run<Input, Output> {
  return async (input, log) => {
    const request = parseRequest(input.request);
    const batch = input.before === 'change' ? request.batch?.name : undefined;
    const holds = await deps.ssm.parameters(holdsOf(request.cluster, batch));
    const batchHold = holdInForce(holds.filter(isBatchHold), input.now);
    if (batchHold !== null) throw new OnHold(`${request.cluster} is not changed: ${holdText(batchHold)}.`);
    const hold = holdInForce(holds, input.now);
    const output = passWithoutWindow(request, input, hold) ?? (await askWindow(deps, request, input, hold));
    log.decision(`window.${output.kind}`, { cluster: request.cluster, ...output });
    return output;
  };
}

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Opens a window of 24 hours for `--now`, and for a cluster without nodes. `nodes` is null unless Kubernetes was asked.
 * Throws OnHold.
 */
function passWithoutWindow(request: MigrationRequest, { now, nodes }: Input, hold: ActiveHold | null): Output | null {
  const { now: explicit, window } = request;
  if (!explicit && nodes !== 0) return null;
  if (hold !== null) {
    // A window that is configured says when to ask again.
    if (!explicit && window !== undefined) return null;
    throw new OnHold(`${request.cluster} cannot be changed now: ${holdText(hold)}.`);
  }
  const reason = explicit ? `started now on purpose: ${explicit.reason}` : 'the cluster has no node to disrupt';
  const end = new Date(now.getTime() + DAY_MS).toISOString();
  return { kind: 'open', closesAt: end, lastStartAt: end, reason };
}

async function askWindow(
  deps: Deps,
  request: MigrationRequest,
  { now, needSeconds }: Input,
  hold: ActiveHold | null,
): Promise<Output> {
  const window = parseWindow(findWindow(deps.windows(), request));
  const calendars = await deps.ssm.calendars(window.changeCalendars);
  const decision = decide(window, now, { calendars, needSeconds, hold: hold && onWindow(hold) });
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
      return { kind: 'closed', opensAt: decision.opensAt.toISOString(), reason, onHold: hold !== null };
    case 'never':
      throw new WindowNever(`Window ${request.window} never lets ${request.cluster} change: ${reason}.`);
    default:
      return assertNever(decision);
  }
}

function onWindow(hold: ActiveHold): WindowHold {
  return { until: hold.until === null ? null : new Date(hold.until), text: holdText(hold) };
}

function findWindow(windows: ReadonlyMap<string, unknown>, { cluster, window }: MigrationRequest): unknown {
  const configured = windows.size === 0 ? 'No window is configured' : `Configured: ${[...windows.keys()].join(', ')}`;
  if (window === undefined) throw new WindowNever(`The request for ${cluster} names no window. ${configured}.`);
  if (windows.has(window)) return windows.get(window);
  throw new UnknownWindow(`There is no window ${window}. ${configured}.`);
}

export const handler = wrap(Input, decideWindow({ ssm, windows: environment.windows }));
