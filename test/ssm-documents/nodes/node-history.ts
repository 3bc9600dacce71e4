import type { ClusterService, KubeProxyStart, NodeMachine, NodeReport } from '@nightshift/sandbox';
import { expect } from 'vitest';
import { judgeValidateOutput } from '../../../functions/core/evidence/validate-output.ts';
import type { Proxying, ProxyMode } from '../../../functions/core/modes/proxy-mode.ts';
import { ssmDocuments } from '../../../ssm-documents/documents.ts';

/** What a command prints as key=value lines, and how it ends. Only what is named is compared. */
interface Answer {
  exitCode: number;
  lines?: Record<string, string>;
  /** Part of what it says on stderr. */
  stderr?: string;
}

/** One thing that happens to a node, and what must come of it. */
export type Step =
  | { do: 'start'; version: string; proxying: Proxying; expect: KubeProxyStart | { running: false } }
  /** For IPVS mode with this scheduler, or with `none` for nftables mode. */
  | { do: 'prepare'; scheduler: string; atOnce?: number; expect: Answer }
  | {
      do: 'validate';
      proxying: Proxying;
      expect: { pass: boolean; reasons?: string[]; facts?: Record<string, string | number>; tables?: string[] };
    }
  | { do: 'clean'; mode: ProxyMode; expect: Answer }
  | { do: 'endpoints'; of: string; are: string[] }
  | { do: 'mirror'; is: 'up' | 'down' }
  | { do: 'foreign'; servers: string[] }
  /** The next kube-proxy that leaves nftables mode cannot delete its tables. */
  | { do: 'keep nft tables' }
  | { do: 'report'; expect: Partial<NodeReport> };

export interface History {
  name: string;
  steps: Step[];
}

/** A node and what it lives through, one history after the other. */
export interface NodeLife {
  name: string;
  family: 'ipv4' | 'ipv6';
  missingModules?: readonly string[];
  packageMirror?: 'up' | 'down';
  histories: History[];
}

/** A node of either kind, and what a history does to its surroundings. */
export interface NodeUnderTest extends NodeMachine {
  setPackageMirror(state: 'up' | 'down'): void | Promise<void>;
  /** What keepalived does: from now on these virtual servers of its own are there. */
  setForeignVirtualServers(servers: readonly string[]): void | Promise<void>;
  /** As often, kube-proxy leaves its tables in nftables where they are when it leaves the mode. */
  keepNftTables(times: number): void | Promise<void>;
}

const ADDRESSES = {
  ipv4: {
    cidr: '10.100.0.0/16',
    node: '192.168.1.1',
    apiServer: '10.100.0.1',
    dns: '10.100.0.10',
    ip: '10.100.7.',
    pod: '192.168.9.',
  },
  ipv6: {
    cidr: 'fd30:1c53:5f8a::/108',
    node: '2600:1f14::b:1',
    apiServer: 'fd30:1c53:5f8a::1',
    dns: 'fd30:1c53:5f8a::a',
    ip: 'fd30:1c53:5f8a::70',
    pod: '2600:1f14::9:',
  },
} as const;

export const nodeAddress = (family: NodeLife['family']): string => ADDRESSES[family].node;

/** Six ports of Services; `default/idle` has nothing behind it. */
function services(family: NodeLife['family']): ClusterService[] {
  const { apiServer, dns, ip, pod } = ADDRESSES[family];
  const endpoint = (host: string, port: number) =>
    family === 'ipv4' ? `${pod}${host}:${port}` : `[${pod}${host}]:${port}`;
  const both = (first: number, port: number) => [endpoint(`${first}`, port), endpoint(`${first + 1}`, port)];
  const TCP = 'TCP' as const;
  return [
    {
      namespace: 'default',
      name: 'kubernetes',
      clusterIp: apiServer,
      port: 443,
      protocol: TCP,
      endpoints: both(11, 443),
    },
    { namespace: 'kube-system', name: 'kube-dns', clusterIp: dns, port: 53, protocol: 'UDP', endpoints: both(21, 53) },
    { namespace: 'kube-system', name: 'kube-dns', clusterIp: dns, port: 53, protocol: TCP, endpoints: both(21, 53) },
    { namespace: 'default', name: 'shop', clusterIp: `${ip}1`, port: 80, protocol: TCP, endpoints: both(31, 8080) },
    { namespace: 'default', name: 'stock', clusterIp: `${ip}2`, port: 80, protocol: TCP, endpoints: both(41, 8080) },
    { namespace: 'default', name: 'idle', clusterIp: `${ip}3`, port: 80, protocol: TCP, endpoints: [] },
  ];
}

/** Runs a document of this repository on a node, rendered as SSM renders it. */
export async function runDocument(machine: NodeMachine, document: string, parameters: Record<string, string>) {
  const found = ssmDocuments().find(({ name }) => name === document);
  const script = (found?.content.mainSteps[0]?.inputs.runCommand ?? []).join('\n');
  const rendered = script.replace(/\{\{ (\w+) \}\}/g, (_, name: string) => parameters[name] ?? `no parameter ${name}`);
  return machine.runDocument({ document, parameters, script: rendered });
}

const linesOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text.split('\n').flatMap((line) => [...line.matchAll(/^([\w-]+)=(.*)$/g)].map((m) => [m[1], m[2]])),
  );

function compare(what: string, result: { exitCode: number; stdout: string; stderr: string }, expected: Answer): void {
  expect({ what, ...result }).toMatchObject({ what, exitCode: expected.exitCode });
  expect({ what, ...linesOf(result.stdout) }).toMatchObject(expected.lines ?? {});
  expect(result.stderr, what).toContain(expected.stderr ?? '');
  if (expected.exitCode === 0) expect(result.stderr, what).toBe('');
}

/** Takes one step and holds what came of it against what the history says. */
async function take(step: Step, machine: NodeUnderTest, family: NodeLife['family'], table: ClusterService[]) {
  const { cidr, apiServer, dns } = ADDRESSES[family];
  switch (step.do) {
    case 'start': {
      const scheduler = step.proxying.mode === 'ipvs' ? step.proxying.scheduler : '';
      const cluster = { version: step.version, serviceCidr: cidr, services: table };
      const started = await machine.startKubeProxy({ mode: step.proxying.mode, scheduler }, cluster);
      return expect(started).toMatchObject(step.expect);
    }
    case 'prepare': {
      const runs = Array.from({ length: step.atOnce ?? 1 }, () =>
        runDocument(machine, 'prepare-node', {
          Mode: step.scheduler === 'none' ? 'nftables' : 'ipvs',
          Scheduler: step.scheduler,
        }),
      );
      for (const result of await Promise.all(runs)) compare('prepare-node', result, step.expect);
      return;
    }
    case 'validate':
      return validate(step, machine, { apiServer, dns });
    case 'clean':
      return compare('clean-node', await runDocument(machine, 'clean-node', { Mode: step.mode }), step.expect);
    case 'endpoints':
      for (const service of table)
        if (service.name === step.of) service.endpoints = step.are.map((host) => `${host}:${service.port}`);
      return;
    case 'mirror':
      return machine.setPackageMirror(step.is);
    case 'foreign':
      return machine.setForeignVirtualServers(step.servers);
    case 'keep nft tables':
      return machine.keepNftTables(1);
    case 'report':
      return expect(await machine.report()).toMatchObject(step.expect);
  }
}

async function validate(
  step: Extract<Step, { do: 'validate' }>,
  machine: NodeMachine,
  { apiServer, dns }: { apiServer: string; dns: string },
): Promise<void> {
  const scheduler = step.proxying.mode === 'ipvs' ? step.proxying.scheduler : 'none';
  const parameters = { ApiServer: apiServer, Dns: dns, Mode: step.proxying.mode, Scheduler: scheduler };
  const result = await runDocument(machine, 'validate-node', parameters);
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  const node = { id: 'i-0123456789abcdef0', name: 'node' };
  const verdict = judgeValidateOutput(node, result.stdout, { proxying: step.proxying, apiServer, dns });
  expect(verdict).toMatchObject({ pass: step.expect.pass, facts: step.expect.facts ?? {} });
  if (step.expect.reasons) expect(verdict.reasons).toEqual(step.expect.reasons);
  // Connections that were there a moment ago are counted: only the counters may differ.
  const tables = verdict.excerpt.replace(/(Masq .*?) +\d+ +\d+$/gm, '$1').split('\n');
  // The kernel keeps the elements of a map in an order of its own.
  if (step.expect.tables)
    expect(step.proxying.mode === 'nftables' ? tables.sort() : tables).toEqual(step.expect.tables);
}

/** Lives through a history on a node; the cluster's Services are new ones for each. */
export async function live(family: NodeLife['family'], history: History, machine: NodeUnderTest): Promise<void> {
  const table = services(family);
  for (const [index, step] of history.steps.entries())
    try {
      await take(step, machine, family, table);
    } catch (error) {
      if (error instanceof Error) error.message = `${history.name}, step ${index + 1} (${step.do}): ${error.message}`;
      throw error;
    }
}
