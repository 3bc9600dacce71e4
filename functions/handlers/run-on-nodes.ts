import { type Leases, leasesIn } from '../aws/leases.ts';
import { type ObjectStore, objectStore } from '../aws/s3.ts';
import { type Ssm, ssm } from '../aws/ssm.ts';
import { Input, type Output } from '../contracts/run-on-nodes.ts';
import type { Evidence, NodePhase } from '../contracts/shared/input.ts';
import type { Kept } from '../contracts/shared/output.ts';
import { isNightshiftError } from '../core/errors.ts';
import { estimateCommand, waitSeconds } from '../core/execution/estimate.ts';
import { environment } from '../runtime/environment.ts';
import { limited } from '../runtime/limits.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { askedBy, type Dispatch, evidenceKey, findDispatch, readInventory, writeDispatch } from './shared/evidence.ts';
import { phases } from './shared/node-phases.ts';
import { requireLease } from './shared/require-lease.ts';
import { expectedNodes } from './shared/verdicts.ts';

export interface Deps {
  ssm: Pick<Ssm, 'run'>;
  store: ObjectStore;
  documentPrefix: () => string;
  leases: Pick<Leases, 'holder'>;
}

/**
 * Sends a phase's document to every node that can run it, or to the nodes of `only`, and stores the ids of the commands
 * in S3. A step that has been sent is not sent again. Only the holder of the lease may change nodes; validating changes
 * nothing. Throws InvalidRequest, EvidenceMissing, LeaseLost.
 */
export function runOnNodes(deps: Deps): Run<Input, Output> {
  return async (input, log) => {
    if (input.phase !== 'validate') await requireLease(deps.leases, input);
    const { evidence = 'required' } = input;
    const key = evidenceKey(input.execution, input.step, 'dispatch.json.gz');
    const earlier = await earlierDispatch(deps.store, key, evidence);
    const dispatch = earlier?.dispatch ?? (await send(deps, input));
    const stored = earlier?.stored ?? (await writeDispatch(deps.store, key, dispatch, evidence));
    const output = outputOf(stored, dispatch, input.phase);
    const { commands, nodes } = output;
    const facts = { cluster: input.cluster.name, step: input.step, commands, nodes };
    log.decision(earlier ? 'nodes.already-asked' : 'nodes.asked', facts);
    return output;
  };
}

/**
 * If evidence is optional and the bucket cannot be read, no earlier dispatch is assumed: sending a document twice does
 * no harm.
 */
async function earlierDispatch(store: ObjectStore, key: string, evidence: Evidence) {
  try {
    return await findDispatch(store, key);
  } catch (error) {
    if (evidence === 'required' || isNightshiftError(error)) throw error;
    return null;
  }
}

async function send(deps: Deps, input: Input): Promise<Dispatch> {
  const { now, step, execution, cluster, proxying } = input;
  const phase = phases[input.phase];
  const inventory = await readInventory(deps.store, input.inventory);
  const nodes = await limited(deps.store, expectedNodes(input.phase, inventory), input.only);
  const sent = await deps.ssm.run({
    document: `${deps.documentPrefix()}${phase.document}`,
    nodes: nodes.filter(({ handling }) => handling.by === 'ssm').map(({ id }) => id),
    parameters: phase.parameters({ serviceCidr: cluster.serviceCidr, proxying }),
    comment: `nightshift ${step} ${execution.name}`.slice(0, 100),
    deliverySeconds: phase.deliverySeconds,
  });
  const deadline = new Date(now.getTime() + phase.deadlineSeconds * 1000).toISOString();
  return { phase: input.phase, nodes, limited: input.only !== null, ...sent, sentAt: now.toISOString(), deadline };
}

/** If no command was sent, there is no answer to wait for. */
function outputOf(stored: Kept, dispatch: Dispatch, phase: NodePhase): Output {
  const { commands, deadline } = dispatch;
  const nodes = commands.reduce((sum, command) => sum + command.nodes.length, 0);
  const first = nodes === 0 ? 0 : waitSeconds(0, estimateCommand(nodes, phase));
  return {
    dispatch: { ...stored, asked: askedBy(dispatch), ...(stored.unstored !== undefined && commandsOf(dispatch)) },
    commands: commands.length,
    nodes,
    deadline,
    waitSeconds: first,
  };
}

/** SSM keeps the output of a command for 30 days: with the ids a person can read it if the evidence is missing. */
const commandsOf = ({ commands }: Dispatch) => ({ commands: commands.map(({ commandId }) => commandId) });

const live: Deps = {
  ssm,
  store: objectStore(environment.evidenceBucket),
  documentPrefix: environment.documentPrefix,
  leases: leasesIn(environment.leaseGroup),
};

export const handler = wrap(Input, runOnNodes(live));
