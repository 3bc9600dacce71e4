import { type Command, InvalidArgumentError, Option } from 'commander';
import { EXIT } from '../exit.ts';
import { requireNodeKind } from '../node-kind.ts';
import type { SandboxOptions } from '../open-sandbox.ts';
import { pasteable, repositoryPath } from '../terminal/paste.ts';
import type { Terminal } from '../terminal/terminal.ts';

const EXAMPLES = pasteable(`
Examples:
  $ nightshift sandbox --world ${repositoryPath('sandbox/worlds/demo.json')}
  export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=me AWS_SECRET_ACCESS_KEY=me
  aws eks describe-addon --cluster-name demo --addon-name kube-proxy
  $ nightshift migrate demo --window weekend

Prints one line of JSON when it is ready: endpoint, kubeconfig, state machines. Port 0 takes a free port. Serves until
SIGTERM or Ctrl-C.`);

/** `nightshift sandbox`: a small AWS Region with EKS clusters on this machine. */
export function addSandbox(program: Command, terminal: Terminal): void {
  program
    .command('sandbox')
    .summary('a small AWS Region on this machine')
    .description('Serves a small AWS Region with EKS clusters and worker nodes on this machine, until it is stopped.')
    .requiredOption('--world <file>', 'the world file (JSON, see sandbox/world.schema.json)')
    .option('--template <file>', 'a CloudFormation template (JSON) to deploy into it; see npm run synth')
    .option('--port <port>', 'where it listens, on 127.0.0.1', parsePort, 4566)
    .addOption(
      new Option('--clock <clock>', 'virtual: waiting takes no time').choices(['virtual', 'real']).default('virtual'),
    )
    .addOption(
      new Option('--node-kind <kind>', 'kernel: a QEMU machine per node').choices(['model', 'kernel']).default('model'),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (options: SandboxOptions) => {
      await requireNodeKind(options.nodeKind);
      const stopped = untilStopped();
      const { openSandbox } = await import('../open-sandbox.ts');
      const sandbox = await openSandbox(options);
      const { endpoint, kubeconfig, stateMachines } = sandbox;
      terminal.out(JSON.stringify({ ready: true, endpoint, kubeconfig, stateMachines }));
      await stopped;
      await sandbox.stop();
      process.exitCode = EXIT.ok;
    });
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError('A port is a number from 0 to 65535.');
  return port;
}
