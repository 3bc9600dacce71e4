import type { Clock } from '../clock.ts';
import type { ApiCall, Cluster } from '../region.ts';
import type { StepFunctions } from '../step-functions/engine.ts';
import type { JoinFault } from './kinds.ts';
import type { OthersWorld } from './others.ts';

/** What faults other than those of calls need besides the clusters. */
export interface FaultWorld {
  readonly clock: Clock;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
  readonly calls: ApiCall[];
  /** Names of the deployed documents, without the stack's prefix. */
  readonly documents: readonly string[];
  /** Asked for when it is needed: it is made after the faults. */
  readonly stepFunctions: () => StepFunctions;
  /** Lets nodes join a cluster. */
  readonly join: (cluster: Cluster, join: JoinFault['join']) => void;
  /** The services through which another principal acts. */
  readonly others: OthersWorld;
}
