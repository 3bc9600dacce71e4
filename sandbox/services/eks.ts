import type * as Sdk from '@aws-sdk/client-eks';
import type { Region } from '../region.ts';
import { type Operations, operations } from '../wire/operations.ts';
import { accessEntryHandlers } from './eks/access-entries.ts';
import { type AddonOptions, addonHandlers } from './eks/addons.ts';
import { clusterHandlers } from './eks/clusters.ts';

/** Amazon EKS: clusters, the kube-proxy add-on and its updates, access entries. */
export function eksService(region: Region, options: AddonOptions = {}): Operations {
  return operations<typeof Sdk>({
    ...clusterHandlers(region),
    ...addonHandlers(region, options),
    ...accessEntryHandlers(region),
  });
}
