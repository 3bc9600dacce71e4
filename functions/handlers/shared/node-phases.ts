import type { NodePhase } from '../../contracts/shared/input.ts';
import {
  InvalidRequest,
  LeftoversRemain,
  type NightshiftError,
  NodesNotPrepared,
  ValidationFailed,
} from '../../core/errors.ts';
import { judgeCleanOutput } from '../../core/evidence/clean-output.ts';
import { judgeValidateOutput } from '../../core/evidence/validate-output.ts';
import type { Verdict } from '../../core/evidence/verdict.ts';
import { choiceOf } from '../../core/modes/index.ts';
import type { Proxying } from '../../core/modes/proxy-mode.ts';
import type { Preparation } from '../../core/modes/spec.ts';
import type { InventoryNode } from '../../core/nodes/nodes.ts';
import { serviceAddresses } from '../../core/values/cluster-ip.ts';

/** What the nodes of a cluster are asked to do or to show. */
export interface Task {
  serviceCidr: string;
  proxying: Proxying;
  /** Names of the checks whose findings the request accepts. */
  acknowledge: readonly string[];
}

/** How a document is run and read. Times in seconds. */
export interface Phase {
  /** The SSM document's name without its prefix. */
  document: string;
  /** How long SSM may take to deliver the command to an agent. */
  deliverySeconds: number;
  /** Delivery and the document's own limit together: after this time no answer can arrive. */
  deadlineSeconds: number;
  /** The parameters become part of a shell script: addresses come from core, all other values from closed lists. */
  parameters(task: Omit<Task, 'acknowledge'>): Record<string, string>;
  /** Whether nodes on which no document can run are judged as well. */
  judgesProxyMode: boolean;
  judge(node: InventoryNode, stdout: string, task: Task): Verdict;
  failure(message: string): NightshiftError;
}

/** @throws InvalidRequest for a mode that needs no preparation */
function preparationOf(proxying: Proxying): Preparation {
  const { preparation } = choiceOf(proxying);
  if (preparation) return preparation;
  throw new InvalidRequest(`proxying.mode: mode ${proxying.mode} needs no preparation.`);
}

export const phases: Record<NodePhase, Phase> = {
  prepare: {
    document: 'prepare-node',
    deliverySeconds: 300,
    deadlineSeconds: 1_200,
    parameters: ({ proxying }) => preparationOf(proxying).parameters,
    // Bottlerocket's kernel loads the modules by itself.
    judgesProxyMode: false,
    judge: (node, stdout, { acknowledge, proxying }) => preparationOf(proxying).judge(node, stdout, acknowledge),
    failure: (message) => new NodesNotPrepared(message),
  },
  validate: {
    document: 'validate-node',
    deliverySeconds: 60,
    deadlineSeconds: 240,
    parameters({ serviceCidr, proxying }) {
      const { apiServer, dns } = serviceAddresses(serviceCidr);
      return { ApiServer: apiServer, Dns: dns, Mode: proxying.mode, ...choiceOf(proxying).validation };
    },
    judgesProxyMode: true,
    judge(node, stdout, { serviceCidr, proxying }) {
      const { apiServer, dns } = serviceAddresses(serviceCidr);
      return judgeValidateOutput(node, stdout, { proxying, apiServer, dns });
    },
    failure: (message) => new ValidationFailed(message),
  },
  clean: {
    document: 'clean-node',
    deliverySeconds: 120,
    deadlineSeconds: 480,
    parameters: ({ proxying }) => ({ Mode: proxying.mode }),
    // Bottlerocket has no shell on the host: leftovers there disappear with the node.
    judgesProxyMode: false,
    judge: (node, stdout, { proxying }) => judgeCleanOutput(node, stdout, proxying.mode),
    failure: (message) => new LeftoversRemain(message),
  },
};
