import * as z from 'zod/mini';
import { type Eks, eks } from '../aws/eks.ts';
import { ClusterName, Common, Step } from './shared/input.ts';
import { type Run, wrap } from './shared/wrap.ts';

const Input = z.object({
  ...Common,
  step: Step,
  cluster: ClusterName,
  addon: z.object({ version: z.string().check(z.minLength(1)) }),
  configuration: z.string().check(z.minLength(1)),
});

export interface Deps {
  eks: Pick<Eks, 'updateAddon'>;
}

/**
 * Sends the merged configuration to EKS, with OVERWRITE and for the installed version. A repetition in the same step
 * bears the same token, so EKS does it once. Throws AddonUpdateFailed, ResourceInUseException.
 */
export function updateAddon(deps: Deps): Run<z.output<typeof Input>, { updateId: string }> {
  return async ({ execution, step, cluster, addon, configuration }, say) => {
    const { updateId } = await deps.eks.updateAddon({
      cluster: cluster.name,
      version: addon.version,
      configuration,
      token: `${execution.arn}/${step}`,
    });
    say.decision('addon.update-sent', { cluster: cluster.name, version: addon.version, updateId });
    return { updateId };
  };
}

export const handler = wrap(Input, updateAddon({ eks }));
