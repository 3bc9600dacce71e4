import { expectAllowedAt } from '../infra/served-roles.ts';
import { ended, type Ran, says, start } from './run.ts';

/** The world of the demo. */
export const DEMO = 'sandbox/worlds/demo.json';

/** A sandbox in a process of its own. */
export interface Served {
  endpoint: string;
  kubeconfig: string;
  stateMachines: Record<string, string>;
  env: Record<string, string>;
  /** Throws where the product did in it what its roles do not allow. */
  stop(signal?: NodeJS.Signals): Promise<Ran>;
}

/** The command as a child process, ready. */
export async function serve(world = DEMO, args: string[] = []): Promise<Served> {
  const child = start(['sandbox', '--world', world, '--port', '0', ...args]);
  const result = ended(child);
  let line = '';
  child.stdout.on('data', (chunk: Buffer) => {
    line += chunk.toString('utf8');
  });
  await says(child.stdout, '\n');
  const { endpoint, kubeconfig, stateMachines } = JSON.parse(line);
  return {
    endpoint,
    kubeconfig,
    stateMachines,
    env: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'anna',
      AWS_SECRET_ACCESS_KEY: 'anna',
    },
    stop: async (signal = 'SIGTERM') => {
      try {
        await expectAllowedAt({ endpoint, stateMachines }, child);
      } finally {
        child.kill(signal);
      }
      return result;
    },
  };
}
