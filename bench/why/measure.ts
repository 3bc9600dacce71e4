import { type Machine, put } from './machines.ts';
import { ENDPOINT_NETWORK, type Mode, SHAPES, service, services, type Write } from './services.ts';

/** How often something is measured. */
export interface Effort {
  readonly connections: number;
  /** Services that are added, one after the other, once all the others are there. */
  readonly added: number;
}

/** Microseconds of the set-up of connections. */
export interface SetUp {
  readonly median: number;
  readonly p99: number;
}

/** One mode with one number of Services. */
export interface Cell {
  readonly mode: Mode;
  readonly services: number;
  /** To the Service that was added last. */
  readonly setUp: SetUp;
  /** Microseconds that the programs ran which wrote one more Service: the median. */
  readonly oneMore: number;
  /** Lines that they read for it. */
  readonly oneMoreLines: number;
}

const at = (sorted: readonly number[], share: number): number => {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  if (value === undefined) throw new Error('nothing was measured');
  return value;
};
const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
export const median = (values: readonly number[]): number => at(ascending(values), 0.5);

const numbers = (printed: string): number[] => printed.trim().split('\n').map(Number);

/**
 * A node, a pod that asks and a pod that answers for every endpoint: three network namespaces. Their processes' ids are
 * in files of the machine's folder. They end by themselves if nobody ends them.
 */
const build = ({ folder, perl }: Machine): string => `
set -e
cd ${folder}
own=$(readlink /proc/self/ns/net)
for name in node client server; do
  unshare -n sleep 7200 </dev/null >/dev/null 2>&1 &
  echo $! >$name
  until [ "$(readlink /proc/$!/ns/net)" != "$own" ]; do sleep 0.1; done
done
inside() { local name=$1; shift; nsenter -t "$(cat "$name")" -n "$@"; }
inside node /sbin/ip -batch - <<NODE
link set lo up
link add client type veth peer name eth0 netns $(cat client)
link add server type veth peer name eth0 netns $(cat server)
addr add 10.244.0.1/24 dev client
addr add 10.244.1.1/24 dev server
link set client up
link set server up
NODE
inside client /sbin/ip -batch - <<CLIENT
link set lo up
addr add 10.244.0.2/24 dev eth0
link set eth0 up
route add default via 10.244.0.1
CLIENT
inside server /sbin/ip -batch - <<SERVER
link set lo up
addr add 10.244.1.2/24 dev eth0
link set eth0 up
route add default via 10.244.1.1
route add local ${ENDPOINT_NETWORK} dev lo
SERVER
inside node /sbin/ip route add ${ENDPOINT_NETWORK} via 10.244.1.2
inside node sysctl -qw net.ipv4.ip_forward=1
nsenter -t "$(cat server)" -n env ${perl} listen 8080 </dev/null >/dev/null 2>&1 &
echo $! >listener
`;

const remove = ({ folder }: Machine): string =>
  `cd ${folder} && kill $(cat listener server client node); rm -f listener server client node`;

/** Runs in the namespace of `name`. */
const inside = ({ folder }: Machine, name: string, command: string): string =>
  `nsenter -t "$(cat ${folder}/${name})" -n env ${command}`;

/** The sum of the times of the programs that make these writes, in microseconds. */
async function write(machine: Machine, writes: readonly Write[]): Promise<number> {
  const files = writes.map(({ text }, index) => put(`${machine.folder}/text-${index}`, text));
  await machine.run(files.join(''));
  const commands = writes.map(({ program }, index) =>
    inside(machine, 'node', `${machine.perl} time ${machine.folder}/text-${index} ${program}`),
  );
  const times = numbers(await machine.run(`set -e\n${commands.join('\n')}`));
  return times.reduce((sum, time) => sum + time, 0);
}

async function connect(machine: Machine, address: string, port: number, { connections }: Effort): Promise<SetUp> {
  const run = (count: number) => inside(machine, 'client', `${machine.perl} connect ${address} ${port} ${count}`);
  // The first ones find out the neighbours' addresses and warm the caches.
  const times = ascending(numbers(await machine.run(`set -e\n${run(50)} >/dev/null\n${run(connections)}`)));
  return { median: at(times, 0.5), p99: at(times, 0.99) };
}

async function withNode<T>(machine: Machine, work: () => Promise<T>): Promise<T> {
  await machine.run(build(machine));
  try {
    return await work();
  } finally {
    await machine.run(remove(machine));
  }
}

/** The set-up of connections straight to an endpoint, on a node without kube-proxy. */
export function measureWithoutService(machine: Machine, effort: Effort): Promise<SetUp> {
  return withNode(machine, () => connect(machine, '10.128.0.1', 8080, effort));
}

/** What IPVS mode needs before anything is written. */
const prepareIpvs = (machine: Machine): string => `
set -e
/sbin/modprobe -a ip_vs ip_vs_rr
${inside(machine, 'node', '/sbin/ip link add kube-ipvs0 type dummy')}
${inside(machine, 'node', 'sysctl -qw net.ipv4.vs.conntrack=1 net.ipv4.vs.conn_reuse_mode=0 net.ipv4.vs.expire_nodest_conn=1')}
`;

export function measure(machine: Machine, mode: Mode, count: number, effort: Effort): Promise<Cell> {
  const shape = SHAPES[mode];
  return withNode(machine, async () => {
    if (mode === 'ipvs') await machine.run(prepareIpvs(machine));
    await write(machine, shape.start(services(count)));
    const times: number[] = [];
    let oneMoreLines = 0;
    for (let number = count + 1; number <= count + effort.added; number++) {
      const writes = shape.oneMore(services(number), service(number));
      times.push(await write(machine, writes));
      oneMoreLines = writes.reduce((sum, { text }) => sum + text.trimEnd().split('\n').length, 0);
    }
    const setUp = await connect(machine, service(count + effort.added).address, 80, effort);
    return { mode, services: count, setUp, oneMore: median(times), oneMoreLines };
  });
}
