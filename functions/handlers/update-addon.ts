import * as z from 'zod/mini';
import { type Eks, eks } from '../aws/eks.ts';
import { assertNever, InvalidRequest } from '../core/errors.ts';
import { ClusterName, Common, Step } from './shared/input.ts';
import { type Run, wrap } from './shared/wrap.ts';

const Input = z.object({
  ...Common,
  step: Step,
  cluster: ClusterName,
  way: z._default(z.enum(['addon', 'create-addon']), 'addon'),
  /** Whether the change is undone. */
  back: z._default(z.boolean(), false),
  /** null: kube-proxy is no add-on, and EKS chooses the version. */
  addon: z.nullable(z.object({ version: z.string().check(z.minLength(1)) })),
  configuration: z.nullable(z.string()),
});
type Input = z.output<typeof Input>;

export interface Deps {
  eks: Pick<Eks, 'updateAddon' | 'createAddon' | 'deleteAddon'>;
}

/** `until` says what the state machine has to wait for; `updateId` is there only for an update. */
export interface Output {
  updateId: string | null;
  until: 'update-ended' | 'addon-active' | 'addon-gone';
}

/**
 * Sends the whole configuration to EKS, with OVERWRITE and for the installed version; or makes a self-managed kube-proxy
 * an add-on, and takes that back. A repetition in the same step bears the same token, so EKS does it once. Throws
 * AddonUpdateFailed, ResourceInUseException.
 */
export function updateAddon(deps: Deps): Run<Input, Output> {
  return async (input, say) => {
    const output = await change(deps, input);
    const { cluster, way, back } = input;
    say.decision('addon.change-sent', { cluster: cluster.name, way, back, ...output });
    return output;
  };
}

async function change({ eks }: Deps, input: Input): Promise<Output> {
  const { execution, step, way, back, addon, configuration } = input;
  const cluster = input.cluster.name;
  const token = `${execution.arn}/${step}`;
  switch (way) {
    case 'addon': {
      if (!addon || !configuration)
        throw new InvalidRequest('An update of the add-on needs its version and the values.');
      const { updateId } = await eks.updateAddon({ cluster, version: addon.version, configuration, token });
      return { updateId, until: 'update-ended' };
    }
    case 'create-addon': {
      if (back) {
        await eks.deleteAddon(cluster);
        return { updateId: null, until: 'addon-gone' };
      }
      if (!configuration) throw new InvalidRequest('configuration must be the values of the add-on, but it is empty.');
      await eks.createAddon({ cluster, version: addon?.version ?? null, configuration, token });
      return { updateId: null, until: 'addon-active' };
    }
    default:
      return assertNever(way);
  }
}

export const handler = wrap(Input, updateAddon({ eks }));
