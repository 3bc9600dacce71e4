import type { Command } from 'commander';
import { UsageError } from '../exit.ts';
import { pasteable } from '../terminal/paste.ts';
import type { Terminal } from '../terminal/terminal.ts';

const EXAMPLES = pasteable(`
Examples:
  $ nightshift access-manifest | kubectl apply -f -
  $ nightshift access-manifest --group platform:nightshift > access.yaml

Apply it to each cluster, set the same group as "kubernetesGroup" in nightshift.config.json, and deploy again: then
nightshift's access entries have this group and no EKS access policy. The Roles allow to restart the DaemonSet
kube-proxy, to edit its ConfigMap, to delete pods in kube-system, and to read the objects of the preflight checks.`);

/** `nightshift access-manifest`: the Roles of the narrower way into a cluster, as YAML. */
export function addAccessManifest(program: Command, terminal: Terminal): void {
  program
    .command('access-manifest')
    .summary('print the Roles for the narrower way into clusters')
    .description("Prints the Roles and bindings that a Kubernetes group needs for nightshift's work in a cluster.")
    .option('--group <name>', 'the Kubernetes group, as in nightshift.config.json', 'nightshift')
    .addHelpText('after', EXAMPLES)
    .action(async ({ group }: { group: string }) => terminal.out(await manifest(group)));
}

async function manifest(group: string): Promise<string> {
  const { accessManifest, KUBERNETES_GROUP } = await import('../../functions/core/preflight/access-manifest.ts');
  if (!KUBERNETES_GROUP.test(group))
    throw new UsageError(`--group ${group} is not the name of a Kubernetes group that an access entry can have`, {
      nextStep:
        'give 1 to 63 letters, digits, dots, colons, slashes, dashes or underscores, not beginning with system:',
    });
  const { stringify } = await import('yaml');
  return accessManifest(group)
    .map((object) => stringify(object, { aliasDuplicateObjects: false }).trimEnd())
    .join('\n---\n');
}
