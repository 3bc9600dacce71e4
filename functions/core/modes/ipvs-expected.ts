import type { VirtualServer } from './ipvs-tables.ts';

/** What a node in IPVS mode must have: the services without which nothing in the cluster works. */
export interface ExpectedServers {
  apiServer: string;
  dns: string;
  scheduler: string;
}

/** `problems` fail a node; `notes` are what was accepted with less than full proof. */
export interface FoundServers {
  apiServer: VirtualServer | null;
  dns: VirtualServer[];
  problems: string[];
  notes: string[];
}

interface Wanted {
  what: string;
  protocol: 'TCP' | 'UDP';
  address: string;
  port: number;
}

/** Finds the server by its port; otherwise one whose port cannot be read because ipvsadm printed a shortened name. */
function find(servers: readonly VirtualServer[], wanted: Wanted): VirtualServer | null {
  const there = servers.filter(({ protocol, address }) => protocol === wanted.protocol && address === wanted.address);
  const exact = there.find(({ port }) => port === wanted.port);
  return exact ?? there.find(({ port, service }) => port === null && service === undefined) ?? null;
}

function judge(server: VirtualServer, wanted: Wanted, scheduler: string): { problems: string[]; notes: string[] } {
  const name = `${wanted.what} (${wanted.protocol} ${wanted.address} port ${wanted.port})`;
  const problems: string[] = [];
  const notes: string[] = [];
  if (server.scheduler !== scheduler) problems.push(`${name} has scheduler ${server.scheduler}, not ${scheduler}`);
  if (server.realServers.length === 0) problems.push(`${name} has no real server`);
  else if (!server.realServers.some(({ weight }) => weight > 0))
    problems.push(`${name} has no real server with a weight above 0`);
  const cut = server.realServers.filter(({ port, service }) => port === null && service === undefined).length;
  if (server.port === null)
    notes.push(`${name}: the port is not readable in a resolved, cut name; accepted by protocol and address`);
  else if (cut > 0)
    notes.push(`${name}: ports of real servers are cut off behind their names (${cut}); ipvsadm -Ln prints them`);
  return { problems, notes };
}

/**
 * Looks for the API server on TCP 443 and DNS on TCP 53 and UDP 53, each with the chosen scheduler and a real server
 * that takes connections. https://docs.aws.amazon.com/eks/latest/best-practices/ipvs.html
 */
export function findExpected(servers: readonly VirtualServer[], expected: ExpectedServers): FoundServers {
  const found: FoundServers = { apiServer: null, dns: [], problems: [], notes: [] };
  const look = (wanted: Wanted): VirtualServer | null => {
    const server = find(servers, wanted);
    if (server === null) {
      found.problems.push(
        `no virtual server for ${wanted.what} (${wanted.protocol} ${wanted.address} port ${wanted.port})`,
      );
      return null;
    }
    const { problems, notes } = judge(server, wanted, expected.scheduler);
    found.problems.push(...problems);
    found.notes.push(...notes);
    return server;
  };
  found.apiServer = look({ what: 'the API server', protocol: 'TCP', address: expected.apiServer, port: 443 });
  for (const protocol of ['TCP', 'UDP'] as const) {
    const server = look({ what: 'DNS', protocol, address: expected.dns, port: 53 });
    if (server !== null) found.dns.push(server);
  }
  return found;
}
