import type { Command } from 'commander';
import type { Advice, AdviceFacts } from '../../functions/core/advice/advice.ts';
import type { Connection } from '../aws.ts';
import { EXIT } from '../exit.ts';
import { pasteable } from '../terminal/paste.ts';
import { styleFor } from '../terminal/style.ts';
import { table } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

const EXAMPLES = pasteable(`
Examples:
  $ nightshift advise my-cluster
  $ nightshift advise my-cluster --json | jq -r .advice

Reads the cluster, its add-ons kube-proxy and vpc-cni and the add-on's schema from EKS, and the nodes' operating systems
from EC2 and SSM; nightshift need not be deployed. What it cannot read it names. It needs eks:DescribeCluster,
eks:DescribeAddon and eks:DescribeAddonConfiguration, and for the nodes ec2:DescribeInstances and
ssm:DescribeInstanceInformation. Exit code 0 for every advice, 1 if the cluster cannot be read.`);

/** `nightshift advise`: which mode fits a cluster, why, and until when. */
export function addAdvise(program: Command, terminal: Terminal): void {
  program
    .command('advise')
    .summary('say which mode of kube-proxy fits a cluster')
    .description('Says which mode of kube-proxy fits a cluster, what has to be done first, why, and until when.')
    .argument('<cluster>', 'name of the EKS cluster')
    .option('--json', 'print the advice as JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (cluster: string, { json = false }: { json?: boolean }) => {
      const { checkClusterName } = await import('../cluster-name.ts');
      checkClusterName(cluster);
      const { connect } = await import('../aws.ts');
      const connection = await connect();
      try {
        const advice = await adviceFor(connection, cluster);
        if (json) terminal.out(JSON.stringify(advice));
        else for (const line of await describe(advice, terminal)) terminal.out(line);
        process.exitCode = EXIT.ok;
      } finally {
        connection.close();
      }
    });
}

async function adviceFor(connection: Connection, cluster: string): Promise<Advice> {
  const { asking } = await import('../aws.ts');
  const { advise } = await import('../../functions/core/advice/advice.ts');
  const { listedModes } = await import('../../functions/core/preflight/addon-schema.ts');
  // The adapters find the Region where functions have it.
  process.env['AWS_REGION'] = connection.region;
  const { eks } = await import('../../functions/aws/eks.ts');
  const { version, autoMode, addon, cni } = await asking(connection, `read cluster ${cluster}`, () =>
    eks.standingForAdvice(cluster),
  );
  return advise({
    cluster,
    version,
    autoMode,
    running: addon && (await configuredMode(addon.configuration)),
    addon: addon && { version: addon.version, modes: listedModes(addon.schema) },
    services: null,
    cni,
    kernels: await kernelsOf(cluster, version),
  });
}

/** Null if the values cannot be read, or name an unknown mode. */
async function configuredMode(configuration: string | null): Promise<AdviceFacts['running']> {
  const { InvalidConfiguration } = await import('../../functions/core/errors.ts');
  const { configuredProxying, parseConfiguration } = await import('../../functions/core/modes/addon-config.ts');
  try {
    return configuredProxying(parseConfiguration(configuration)).mode;
  } catch (error) {
    if (error instanceof InvalidConfiguration) return null;
    throw error;
  }
}

/** Many people may read EKS and not the nodes: null if EC2 or SSM refuse. */
async function kernelsOf(cluster: string, version: string): Promise<AdviceFacts['kernels']> {
  const { isNamed } = await import('../../functions/aws/clients.ts');
  const { ec2 } = await import('../../functions/aws/ec2.ts');
  const { ssm } = await import('../../functions/aws/ssm.ts');
  const { buildInventory } = await import('../../functions/core/nodes/nodes.ts');
  const { kernelsForNftables } = await import('../../functions/core/preflight/kernels.ts');
  try {
    const nodes = await ec2.nodes(cluster);
    const managed = await ssm.managedNodes(nodes.map(({ id }) => id));
    const inventory = buildInventory({ ec2: nodes, managed, pods: null, fargateProfiles: 0 });
    const unknown = inventory.filter(({ handling }) => handling.by === 'blocked').length;
    const kernels = kernelsForNftables({ inventory, managed, workloads: null, snapshot: { version } });
    return inventory.length === 0 ? null : { ...kernels, unknown: kernels.unknown + unknown };
  } catch (error) {
    if (isNamed(error, 'AccessDeniedException', 'UnauthorizedOperation', 'AccessDenied')) return null;
    throw error;
  }
}

async function describe(advice: Advice, terminal: Terminal): Promise<string[]> {
  const { adviceText } = await import('../../functions/core/advice/advice.ts');
  const style = styleFor(terminal);
  const { cluster, version, running, deadlines } = advice;
  const rows = deadlines.map((deadline) => [deadline.version, deadline.what, deadline.source]);
  return [
    style.bold(`${cluster}: Kubernetes ${version}, kube-proxy is configured for ${running}`),
    adviceText(advice),
    ...(rows.length === 0 ? [] : ['', style.bold('Deadlines'), ...table(rows)]),
  ];
}
