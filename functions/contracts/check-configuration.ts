import * as z from 'zod/mini';
import { ModeWithOptions } from '../core/modes/index.ts';
import { Way } from '../core/preflight/snapshot.ts';
import { ClusterWithApi, Common } from './shared/input.ts';
import { AddonHealth, ConfigMapLook } from './shared/output.ts';

const Looked = z.object({ version: z.string().check(z.minLength(1)), configuration: z.nullable(z.string()) });

const Ask = z.discriminatedUnion('kind', [
  /** Before a change: is the configuration still what the inspection found, and does this execution hold the lease? */
  z.object({ kind: z.literal('unchanged'), addon: z.nullable(Looked), configMap: z.nullable(z.string()) }),
  /** After a proof: would the next kube-proxy pod start with what the nodes run? */
  z.object({
    kind: z.literal('configured'),
    proxying: ModeWithOptions,
    /** What the add-on's values ask for in a cluster that had drifted; null if that is what the nodes run. */
    values: z._default(z.nullable(ModeWithOptions), null),
    way: Way,
  }),
]);

export const Input = z.object({
  ...Common,
  cluster: ClusterWithApi,
  /**
   * Whether the execution has access to Kubernetes: only then the ConfigMap is read. `if-allowed`: the execution was
   * not granted access, and the ConfigMap is read only if the cluster allows the role to read it anyway.
   */
  kubernetes: z.union([z.boolean(), z.literal('if-allowed')]),
  ask: Ask,
});
export type Input = z.output<typeof Input>;

export const Output = z.object({
  /** The add-on as it is now, without its values; null if there is no add-on. */
  addon: z.nullable(AddonHealth),
  configMap: ConfigMapLook,
});
export type Output = z.output<typeof Output>;
