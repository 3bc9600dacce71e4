import { isNightshiftError } from '../functions/core/errors.ts';
import { type Former, standing } from '../functions/core/execution/former.ts';
import { configuredProxying, parseConfiguration } from '../functions/core/modes/addon-config.ts';
import { describeProxying } from '../functions/core/modes/index.ts';
import type { Connection } from './aws.ts';

/** What a cluster is configured for before a rollback; `text` is for people. */
export interface ConfiguredNow {
  text: string;
  /** Configured as before the migration already; false if that could not be read. */
  asBefore: boolean;
}

/** Reads EKS only. A failed read is shown but does not stop the rollback, which inspects the cluster itself. */
export async function readConfiguredNow(connection: Connection, former: Former): Promise<ConfiguredNow> {
  if (former.plan.way === 'config-map') return { text: 'not looked at: it is in the ConfigMap', asBefore: false };
  try {
    const addon = await readAddon(connection, former.cluster.name);
    const { atFormer: asBefore } = standing(former, { addon, updateInFlight: addon?.status === 'UPDATING' }, null);
    return { text: addon === null ? 'kube-proxy is not an add-on' : configuredFor(addon), asBefore };
  } catch (error) {
    return { text: `could not be read (${error instanceof Error ? error.name : String(error)})`, asBefore: false };
  }
}

interface Addon {
  status: string;
  configuration: string | null;
}

async function readAddon({ settings }: Connection, clusterName: string): Promise<Addon | null> {
  const { DescribeAddonCommand, EKSClient, ResourceNotFoundException } = await import('@aws-sdk/client-eks');
  const client = new EKSClient(settings);
  try {
    const { addon } = await client.send(new DescribeAddonCommand({ clusterName, addonName: 'kube-proxy' }));
    return { status: addon?.status ?? 'unknown', configuration: addon?.configurationValues || null };
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return null;
    throw error;
  } finally {
    client.destroy();
  }
}

function configuredFor({ status, configuration }: Addon): string {
  const settled = status === 'ACTIVE' ? '' : `; the add-on is ${status}`;
  try {
    return `${describeProxying(configuredProxying(parseConfiguration(configuration)))}${settled}`;
  } catch (error) {
    if (isNightshiftError(error)) return `a configuration that nightshift cannot read${settled}`;
    throw error;
  }
}
