import { type EventBus, eventBus } from '../aws/events.ts';
import { type ObjectStore, objectStore } from '../aws/s3.ts';
import { type Ssm, ssm } from '../aws/ssm.ts';
import { Input, type Output } from '../contracts/request-approval.ts';
import { approvalParameter, planLine, readItems } from '../core/fleet/approval.ts';
import { environment } from '../runtime/environment.ts';
import { type Run, wrap } from '../runtime/wrap.ts';

export interface Deps {
  store: ObjectStore;
  bus: EventBus;
  ssm: Pick<Ssm, 'putParameter'>;
}

/** The most clusters that the event describes: an event has at most 256 KB. */
const MOST_DESCRIBED = 200;

/**
 * Asks people to approve a stage: stores the task token for `nightshift approve`, and publishes
 * `nightshift.ApprovalRequested` with what will happen. The event does not have the token.
 */
export function requestApproval({ store, bus, ssm }: Deps): Run<Input, Output> {
  return async (input, log) => {
    const { execution, now, rollout, stage, todo, nodes, token, requestedBy, fourEyes } = input;
    const until = new Date(now.getTime() + input.approvalSeconds * 1000).toISOString();
    const asked = { stage, token, requestedBy, fourEyes, until };
    await ssm.putParameter({ name: approvalParameter(rollout), value: JSON.stringify(asked) });
    const items = readItems((await store.get(input.items)).text, input.items);
    await bus.put({
      detailType: 'nightshift.ApprovalRequested',
      resources: [execution.arn],
      detail: {
        cluster: null,
        rollout,
        stage,
        requestedBy,
        until,
        clusters: todo,
        nodes,
        plan: items.slice(0, MOST_DESCRIBED).map(planLine),
        answer: [`nightshift approve ${rollout}`, `nightshift deny ${rollout} --reason "..."`],
        execution,
      },
    });
    log.decision('approval.requested', { rollout, stage, until });
    return { requested: true };
  };
}

export const handler = wrap(
  Input,
  requestApproval({ store: objectStore(environment.evidenceBucket), bus: eventBus(environment.eventBus), ssm }),
);
