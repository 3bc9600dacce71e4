import type { AddressInfo } from 'node:net';
import type { ApiCall } from '@nightshift/sandbox';
import type { EmulatorBug, Operations, ServiceId } from '@nightshift/sandbox/wire';
import { Credentials, Dispatcher, Faults, VirtualClock, wireServer } from '@nightshift/sandbox/wire';

export interface Wire {
  /** Every call that the SDK made, by its wire protocol and checked against AWS's schema. */
  calls: ApiCall[];
  faults: Faults;
  close(): Promise<void>;
}

/** Connects the SDK clients of this process to a server that answers with these operations, over real HTTP. */
export async function startWire(services: Partial<Record<ServiceId, Operations>>): Promise<Wire> {
  const clock = new VirtualClock(new Date('2026-11-21T07:00:00Z'), (error) => {
    throw error;
  });
  const calls: ApiCall[] = [];
  const faults = new Faults({ clusters: new Map() });
  const dispatcher = new Dispatcher({ clock, calls, faults });
  for (const service of ['eks', 'ssm', 'ec2', 'sts', 'events', 'states', 'scheduler', 'monitoring'] as const)
    dispatcher.register(service, services[service] ?? {});
  const bugs: EmulatorBug[] = [];
  const server = wireServer({
    dispatcher,
    credentials: new Credentials('111122223333'),
    onBug: (bug) => bugs.push(bug),
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
  });
  return {
    calls,
    faults,
    async close() {
      delete process.env['AWS_ENDPOINT_URL'];
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      if (bugs[0]) throw bugs[0];
    },
  };
}
