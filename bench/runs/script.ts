import { DescribeUpdateCommand, EKSClient, UpdateAddonCommand } from '@aws-sdk/client-eks';
import { GetCommandInvocationCommand, SendCommandCommand, SSMClient } from '@aws-sdk/client-ssm';
import { AppsV1Api, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import type { Sandbox } from '@nightshift/sandbox';

/** Virtual time that stands still while a script works, and passes only while it waits. */
class StillTime {
  readonly #clock: Sandbox['live']['region']['clock'];
  #release: () => void = () => undefined;

  constructor({ live }: Sandbox) {
    this.#clock = live.region.clock;
    this.take();
  }

  take(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#release = resolve;
    void this.#clock.busy(() => promise);
  }

  release(): void {
    this.#release();
  }

  async wait(seconds: number): Promise<void> {
    const passed = this.#clock.sleep(seconds * 1000);
    this.release();
    await passed;
    this.take();
  }
}

const KUBE_PROXY = { namespace: 'kube-system', name: 'kube-proxy' };
const PREPARE = { Mode: ['ipvs'], Scheduler: ['rr'] };
const VALIDATE = { ApiServer: ['10.100.0.1'], Dns: ['10.100.0.10'], ...PREPARE };

/**
 * The procedure of the EKS Best Practices Guide as a careful person's script does it: prepares node after node, updates
 * the add-on, restarts the DaemonSet, follows it, and validates node after node. Waits 2 seconds between looks at a
 * command and the rollout, 15 between looks at the update.
 */
export class Script {
  readonly #time: StillTime;
  readonly #ssm: SSMClient;
  readonly #eks: EKSClient;
  readonly #apps: AppsV1Api;

  constructor(sandbox: Sandbox) {
    const credentials = { accessKeyId: 'script', secretAccessKey: 'script' };
    const options = { endpoint: sandbox.endpoint, region: 'us-east-1', credentials };
    const config = new KubeConfig();
    config.loadFromFile(sandbox.kubeconfig);
    this.#time = new StillTime(sandbox);
    this.#ssm = new SSMClient(options);
    this.#eks = new EKSClient(options);
    this.#apps = config.makeApiClient(AppsV1Api);
  }

  async run(cluster: string, nodes: readonly string[], configuration: string): Promise<void> {
    try {
      for (const node of nodes) await this.#command(node, 'nightshift-prepare-node', PREPARE);
      await this.#update(cluster, configuration);
      await this.#restart();
      for (const node of nodes) {
        const output = await this.#command(node, 'nightshift-validate-node', VALIDATE);
        if (!output.includes('proxyMode=ipvs')) throw new Error(`${node} is not in IPVS mode: ${output}`);
      }
    } finally {
      this.#time.release();
      this.#ssm.destroy();
      this.#eks.destroy();
    }
  }

  async #command(node: string, document: string, parameters: Record<string, string[]>): Promise<string> {
    const asked = { DocumentName: document, InstanceIds: [node], Parameters: parameters };
    const { Command } = await this.#ssm.send(new SendCommandCommand(asked));
    const look = new GetCommandInvocationCommand({ CommandId: Command?.CommandId, InstanceId: node });
    for (;;) {
      await this.#time.wait(2);
      const { Status, StandardOutputContent = '' } = await this.#ssm.send(look);
      if (Status === 'Success') return StandardOutputContent;
      if (Status !== 'Pending' && Status !== 'InProgress') throw new Error(`${document} on ${node} ended ${Status}`);
    }
  }

  async #update(cluster: string, configurationValues: string): Promise<void> {
    const about = { addonName: 'kube-proxy' };
    const change = { clusterName: cluster, ...about, configurationValues, resolveConflicts: 'OVERWRITE' as const };
    const { update } = await this.#eks.send(new UpdateAddonCommand(change));
    for (let status = update?.status; status === 'InProgress'; ) {
      await this.#time.wait(15);
      const look = new DescribeUpdateCommand({ name: cluster, ...about, updateId: update?.id });
      status = (await this.#eks.send(look)).update?.status;
      if (status === 'Failed' || status === 'Cancelled') throw new Error(`the update ended ${status}`);
    }
  }

  /** `kubectl rollout restart` and `kubectl rollout status`. */
  async #restart(): Promise<void> {
    const annotations = { 'kubectl.kubernetes.io/restartedAt': '2026-11-21T07:05:00Z' };
    const body = { spec: { template: { metadata: { annotations } } } };
    const headers = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch);
    await this.#apps.patchNamespacedDaemonSet({ ...KUBE_PROXY, body }, headers);
    for (;;) {
      await this.#time.wait(2);
      const { metadata, status } = await this.#apps.readNamespacedDaemonSet(KUBE_PROXY);
      const isSeen = status?.observedGeneration === metadata?.generation;
      const wanted = status?.desiredNumberScheduled;
      if (isSeen && status?.updatedNumberScheduled === wanted && status?.numberAvailable === wanted) return;
    }
  }
}
