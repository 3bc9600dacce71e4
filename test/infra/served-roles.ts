import { EC2 } from '@aws-sdk/client-ec2';
import type { ApiCall } from '@nightshift/sandbox';
import * as z from 'zod/mini';
import { configuredTemplate, Roles } from './roles.ts';

/** The sandbox's own answer; the sandbox's tests check its shape. */
const Calls = z.custom<ApiCall[]>((value) => Array.isArray(value));

/**
 * A sentence for each call that a role of the product made without permission, in a sandbox in a process of its own.
 * `template`: the template with whose roles the calls are compared; by default the product's.
 */
export async function exceededAt(
  { endpoint, stateMachines }: { endpoint: string; stateMachines: Readonly<Record<string, string>> },
  template?: unknown,
): Promise<string[]> {
  const calls = Calls.parse(await (await fetch(`${endpoint}/_sandbox/calls`)).json());
  const [, , , name = '', account = ''] = (stateMachines['migrate-cluster'] ?? '').split(':');
  const tags = calls.some(({ operation }) => operation === 'SendCommand') ? await instanceTags(endpoint, name) : {};
  const roles = new Roles(template ?? (await configuredTemplate()));
  return roles.exceededBy(calls, { account, name }, (id) => tags[id] ?? {});
}

/** Instance id → its tags. */
async function instanceTags(endpoint: string, region: string): Promise<Record<string, Record<string, string>>> {
  const ec2 = new EC2({ endpoint, region, credentials: { accessKeyId: 'tester', secretAccessKey: 'tester' } });
  try {
    const { Reservations = [] } = await ec2.describeInstances({});
    return Object.fromEntries(
      Reservations.flatMap(({ Instances = [] }) => Instances).map(({ InstanceId, Tags = [] }) => [
        InstanceId,
        Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value])),
      ]),
    );
  } finally {
    ec2.destroy();
  }
}

/** Throws if a role made a call without permission in a sandbox that still runs. */
export async function expectAllowedAt(
  served: Parameters<typeof exceededAt>[0],
  { exitCode, signalCode }: { exitCode: number | null; signalCode: NodeJS.Signals | null },
): Promise<void> {
  if (exitCode !== null || signalCode !== null) return;
  const exceeded = await exceededAt(served);
  if (exceeded.length > 0) throw new Error(`roles are exceeded: ${exceeded.join('; ')}`);
}
