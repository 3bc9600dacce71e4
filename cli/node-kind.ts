import { UsageError } from './exit.ts';
import { repositoryPath } from './terminal/paste.ts';

/** Checked before anything is started. @throws UsageError when this machine cannot run nodes of this kind */
export async function requireNodeKind(kind: 'model' | 'kernel'): Promise<void> {
  if (kind === 'model') return;
  const { kernelNodesAvailable } = await import('@nightshift/sandbox/nodes');
  const availability = kernelNodesAvailable();
  if (availability.available) return;
  const { why, command } = availability;
  throw new UsageError(`--node-kind kernel cannot run here: ${why}`, {
    nextStep: command === null ? 'leave --node-kind out' : `run ${repositoryPath(command)}, which brings it`,
  });
}
