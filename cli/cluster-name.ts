import { clusterName } from '../functions/core/values/cluster-name.ts';
import { readWith } from '../functions/core/values/parse-input.ts';
import { UsageError } from './exit.ts';

/** The name of a cluster, checked before AWS is asked. @throws UsageError */
export function checkClusterName(cluster: string): string {
  const read = readWith(clusterName(), cluster, 'cluster');
  if (read.kind === 'broken') throw new UsageError(read.sentence);
  return read.data;
}
