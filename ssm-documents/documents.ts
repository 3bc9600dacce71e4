import { readFileSync } from 'node:fs';
import { MODE_NAMES } from '../functions/core/modes/index.ts';
import { IPVS_SCHEDULERS, TARGET_MODES } from '../functions/core/modes/proxy-mode.ts';

/** The documents that SSM runs on worker nodes for nightshift, by their names without the `nightshift-` prefix. */
export type DocumentName = 'prepare-node' | 'validate-node' | 'clean-node';

/** A parameter of an SSM document. Each has allowed values or a pattern, because it becomes part of a shell script. */
interface Parameter {
  type: 'String';
  description: string;
  allowedValues?: readonly string[];
  allowedPattern?: string;
  default?: string;
}

/** The content of a command document, https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-syntax-data-elements-parameters.html */
export interface DocumentContent {
  schemaVersion: '2.2';
  description: string;
  parameters: Record<string, Parameter>;
  mainSteps: {
    action: 'aws:runShellScript';
    name: string;
    precondition: { StringEquals: ['platformType', 'Linux'] };
    inputs: { timeoutSeconds: string; runCommand: string[] };
  }[];
}

/** The characters of IPv4 and IPv6 addresses. None has a special meaning in a shell. */
const ADDRESS = '^[0-9A-Fa-f:.]{2,45}$';

const definitions: Record<DocumentName, Pick<DocumentContent, 'description' | 'parameters'> & { seconds: number }> = {
  'prepare-node': {
    description:
      'For IPVS: installs ipvsadm and loads the kernel modules, now and at every boot. For nftables: checks the node. Safe to repeat.',
    // An install may wait 300 s for a package lock and take 300 s more.
    seconds: 900,
    parameters: {
      Mode: { type: 'String', description: 'The mode that kube-proxy will be in.', allowedValues: TARGET_MODES },
      Scheduler: {
        type: 'String',
        description: 'The IPVS scheduler that kube-proxy will use; none in mode nftables.',
        allowedValues: [...IPVS_SCHEDULERS, 'none'],
      },
    },
  },
  'validate-node': {
    description: 'Reports how the kernel of this node handles Services. Changes nothing.',
    seconds: 120,
    parameters: {
      ApiServer: { type: 'String', description: 'ClusterIP of the API server.', allowedPattern: ADDRESS },
      Dns: { type: 'String', description: 'ClusterIP of the cluster DNS.', allowedPattern: ADDRESS },
      Mode: { type: 'String', description: 'The mode that kube-proxy should be in.', allowedValues: MODE_NAMES },
      Scheduler: {
        type: 'String',
        description: 'The IPVS scheduler that should be in use; none in other modes.',
        allowedValues: [...IPVS_SCHEDULERS, 'none'],
        default: 'none',
      },
    },
  },
  'clean-node': {
    description: 'Removes the leftovers of the other modes of kube-proxy from this node. Safe to repeat.',
    seconds: 300,
    parameters: {
      Mode: { type: 'String', description: 'The mode that kube-proxy is and should be in.', allowedValues: MODE_NAMES },
    },
  },
};

const read = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8');

/** The whole script: SSM sends one file, so each line `. shared/NAME.sh` is replaced by that file. */
function scriptOf(name: DocumentName): string {
  return read(`${name}.sh`).replace(/^\. (shared\/[a-z-]+\.sh)\n/gm, (_, file: string) =>
    read(file).replace(/^# shellcheck .*\n/, ''),
  );
}

function content(name: DocumentName): DocumentContent {
  const { description, parameters, seconds } = definitions[name];
  return {
    schemaVersion: '2.2',
    description,
    parameters,
    mainSteps: [
      {
        action: 'aws:runShellScript',
        name: name.replace('-', '_'),
        precondition: { StringEquals: ['platformType', 'Linux'] },
        inputs: { timeoutSeconds: String(seconds), runCommand: scriptOf(name).trimEnd().split('\n') },
      },
    ],
  };
}

/**
 * The command documents (schema 2.2) with their scripts inline, in the order in which a migration uses them. Each call
 * reads the `.sh` files beside this one and in `shared/`, and throws the errors of reading a file.
 */
export function ssmDocuments(): { name: DocumentName; content: DocumentContent }[] {
  return (['prepare-node', 'validate-node', 'clean-node'] as const).map((name) => ({ name, content: content(name) }));
}
