import {
  EDIT_IN_KUBE_SYSTEM,
  ISSUED,
  startWorld,
  VIEW,
  type World,
  type WorldOptions,
} from '@nightshift/sandbox/test/kubernetes';
import { afterEach } from 'vitest';
import { eksToken } from '../../../functions/aws/eks-token.ts';
import { kubernetes } from '../../../functions/aws/kubernetes.ts';

/** The access that an execution grants. */
export const GRANTED = { entries: [[VIEW, EDIT_IN_KUBE_SYSTEM]] };

const worlds: World[] = [];
/** Closes every world that a test of this file opens. */
export function closeWorldsAfterEach(): void {
  afterEach(async () => {
    for (const world of worlds.splice(0)) await world.api.close();
  });
}

/** The adapter as a function makes it, over TLS: with a token for an access entry's role, or the administrator's. */
export async function openWorld(options: WorldOptions, as: 'role' | 'administrator' = 'role') {
  const world = await startWorld(options);
  worlds.push(world);
  const { endpoint, certificateAuthority, adminToken } = world.api;
  const role = await eksToken({ cluster: 'demo', region: 'us-east-1', credentials: ISSUED });
  const token = as === 'role' ? role : adminToken;
  return { world, token, api: kubernetes({ cluster: 'demo', url: endpoint, certificateAuthority }, token) };
}
