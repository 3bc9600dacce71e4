import ipaddr from 'ipaddr.js';
import { MODES } from '../modes/index.ts';
import { serviceAddresses } from '../values/cluster-ip.ts';
import { named } from '../values/named.ts';
import { block, type Checks, type Finding, pass, refuse, type Subject, unknown, warn, workloadCheck } from './check.ts';
import { strictArp } from './config-map.ts';
import { findDaemonSet, type Workloads } from './workloads.ts';

/** The canonical text of an address; null if the text is not an address. */
function canonical(address: string): string | null {
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : null;
}

/** Every address of every node, with the node's name. */
function nodeAddresses({ inventory, ec2 }: Subject): Map<string, string> {
  const names = new Map(inventory.map(({ id, name }) => [id, name]));
  const all = [
    ...inventory.map(({ name, address }) => ({ name, addresses: address === null ? [] : [address] })),
    ...ec2.map(({ id, addresses }) => ({ name: names.get(id) ?? id, addresses })),
  ];
  const found = new Map<string, string>();
  for (const { name, addresses } of all)
    for (const address of addresses) found.set(canonical(address) ?? address, name);
  return found;
}

function externalIps({ services }: Workloads, subject: Subject): Finding {
  const fix = 'Take these addresses out of the Services: in IPVS mode every node binds them to its own kube-ipvs0.';
  if (services.kind === 'unreadable') return unknown(`the addresses of Services cannot be read: ${services.why}`, fix);
  const nodes = nodeAddresses(subject);
  const hits = services.value.flatMap(({ service, addresses }) =>
    addresses.flatMap((address) => {
      const node = nodes.get(canonical(address) ?? address);
      return node === undefined ? [] : [`${service} has ${address} of node ${node}`];
    }),
  );
  if (hits.length === 0) return pass('no Service has the address of a node as an external IP or of its load balancer');
  return refuse(`in IPVS mode these Services would cut nodes off: ${named(hits)}`, fix);
}

/** The addresses that `-localip` names, in any of a flag's forms; null if the flag is absent. */
function localAddresses(args: readonly string[]): string[] | null {
  for (const [index, arg] of args.entries()) {
    const match = /^--?localip(?:=(.*))?$/.exec(arg);
    if (match) return (match[1] ?? args[index + 1] ?? '').split(',').filter((address) => address !== '');
  }
  return null;
}

function nodeLocalDns({ daemonSets }: Workloads, { snapshot, request }: Subject): Finding {
  const fix =
    'Take the ClusterIP out of its -localip and point kubelet’s clusterDNS to its link-local address, on every node, first.';
  if (daemonSets.kind === 'unreadable') return unknown(`DaemonSets cannot be read: ${daemonSets.why}`, fix);
  const found = findDaemonSet(daemonSets.value, { name: 'node-local-dns', labels: { 'k8s-app': 'node-local-dns' } });
  if (found === undefined) return pass('NodeLocal DNSCache does not run');
  const addresses = localAddresses(found.args);
  if (addresses === null)
    return unknown('where NodeLocal DNSCache listens: its -localip is not among its arguments', fix);
  const { dns } = serviceAddresses(snapshot.serviceCidr);
  const own = `NodeLocal DNSCache listens on ${named(addresses)}, not on the ClusterIP of DNS`;
  const onClusterIp = addresses.some((address) => canonical(address) === canonical(dns));
  if (MODES[request.target.mode].virtualServers)
    return onClusterIp
      ? block(
          `NodeLocal DNSCache listens on the ClusterIP of DNS, ${dns}, which kube-proxy binds itself in IPVS mode: pods may lose DNS`,
          fix,
        )
      : pass(own);
  return onClusterIp
    ? block(
        `NodeLocal DNSCache takes over the ClusterIP of DNS, ${dns}, with iptables rules, which kube-proxy's do not know in nftables mode: pods may bypass the cache or lose DNS`,
        fix,
      )
    : warn(
        `${own}; it makes iptables rules, and nobody has confirmed that they work beside nftables mode (kubernetes/dns 682)`,
        'Try the change with NodeLocal DNSCache in a test cluster first.',
      );
}

function metallb({ daemonSets, configMap }: Workloads, { way }: Subject): Finding {
  const fix =
    'Use MetalLB in BGP mode, or kube-proxy in another mode. If no Layer 2 address is announced, acknowledge metallb.';
  if (daemonSets.kind === 'unreadable') return unknown(`DaemonSets cannot be read: ${daemonSets.why}`, fix);
  const speaker =
    findDaemonSet(daemonSets.value, { name: 'metallb-speaker', labels: { app: 'metallb', component: 'speaker' } }) ??
    findDaemonSet(daemonSets.value, { name: 'metallb-speaker', labels: { 'app.kubernetes.io/name': 'metallb' } });
  if (speaker === undefined) return pass('MetalLB does not run');
  const text = configMap.kind === 'read' ? configMap.value : null;
  const strict = text === null ? null : strictArp(text);
  if (way !== 'config-map')
    return block(
      `MetalLB runs and needs ipvs.strictARP, which the add-on cannot set${strict === true ? ' and would erase' : ''}: nodes would answer ARP for addresses that are not theirs`,
      fix,
    );
  if (strict === true) return pass('MetalLB runs, and ipvs.strictARP is set');
  if (strict === null) return unknown('whether ipvs.strictARP is set, which MetalLB needs', fix);
  return block(
    'MetalLB runs and needs ipvs.strictARP, which is not set',
    'Set ipvs.strictARP to true in the ConfigMap kube-proxy-config.',
  );
}

function securityGroups({ securityGroupPolicies: policies, daemonSets }: Workloads): Finding {
  const fix = 'Try the change with such pods in a test cluster first: they have lost traffic in IPVS mode.';
  if (policies.kind === 'read' && policies.value > 0) {
    const objects = policies.value === 1 ? '1 SecurityGroupPolicy' : `${policies.value} SecurityGroupPolicies`;
    return { verdict: 'WARN', why: `${objects}: pods with security groups of their own may lose traffic`, fix };
  }
  if (policies.kind === 'read') return pass('there is no SecurityGroupPolicy');
  const cni = daemonSets.kind === 'read' ? findDaemonSet(daemonSets.value, { name: 'aws-node' }) : undefined;
  if (cni?.namespace === 'kube-system' && cni.env['ENABLE_POD_ENI'] !== 'true')
    return pass('security groups for pods are switched off in the VPC CNI: ENABLE_POD_ENI is not true');
  const on = cni === undefined ? '' : ', and the VPC CNI has them switched on';
  return unknown(`SecurityGroupPolicies cannot be read (${policies.why})${on}`, fix);
}

export const WORKLOAD_CHECKS = {
  'external-ips': {
    source: 'https://github.com/kubernetes/kubernetes/issues/127410',
    acknowledgeable: false,
    changeOnly: true,
    find: workloadCheck('Services with the address of a node', externalIps),
  },
  'node-local-dns': {
    source: 'https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/',
    acknowledgeable: true,
    changeOnly: true,
    find: workloadCheck('NodeLocal DNSCache', nodeLocalDns),
  },
  metallb: {
    source: 'https://metallb.io/installation/#preparation',
    acknowledgeable: true,
    changeOnly: true,
    find: workloadCheck('MetalLB', metallb),
  },
  'security-groups-for-pods': {
    source: 'https://github.com/aws/amazon-vpc-cni-k8s/issues/2982',
    acknowledgeable: true,
    changeOnly: true,
    find: workloadCheck('security groups for pods', securityGroups),
  },
} satisfies Checks;
