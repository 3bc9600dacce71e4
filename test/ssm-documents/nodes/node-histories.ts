import { migratedAndBack6, provenFromTheKernel6, toNftables6 } from './ipv6-histories.ts';
import {
  dnsWithoutEndpoints,
  foreignServersStay,
  leftServersCarryTraffic,
  manyForeignServers,
  rejectRulesLeft,
  virtualServersLeft,
} from './leftover-histories.ts';
import {
  dnsWithoutEndpointsInNftables,
  fromIptablesToNftables,
  fromIpvsToNftables,
  leftTablesCarryTraffic,
  nftablesModuleMissing,
  nftablesTooEarly,
  nftTablesLeft,
} from './nftables-histories.ts';
import type { NodeLife } from './node-history.ts';
import {
  migrated,
  mirrorDown,
  preparedTwice,
  schedulerAutoloaded,
  schedulerMissing,
  schedulerNotLoaded,
  silentFallback,
} from './preparing-histories.ts';

/**
 * What happens to worker nodes and what must come of it, whoever plays the node: the model and a real kernel live
 * through the same table. A cluster has six ports of Services, one of them (`default/idle`) with nothing behind it.
 * Histories that can follow one another share a node, because a virtual machine takes seconds to boot.
 */
export const nodeLives: NodeLife[] = [
  {
    name: 'a node that goes to IPVS mode and back',
    family: 'ipv4',
    histories: [migrated, virtualServersLeft, rejectRulesLeft, leftServersCarryTraffic],
  },
  {
    name: 'a node whose kernel has neither ip_vs_lc nor nft_numgen',
    family: 'ipv4',
    missingModules: ['ip_vs_lc', 'nft_numgen'],
    histories: [silentFallback, schedulerMissing, dnsWithoutEndpoints, nftablesModuleMissing],
  },
  { name: 'a node that was never prepared', family: 'ipv4', histories: [schedulerAutoloaded, preparedTwice] },
  { name: 'a node with kube-proxy 1.26', family: 'ipv4', histories: [schedulerNotLoaded] },
  { name: 'a node that others use, too', family: 'ipv4', histories: [foreignServersStay, manyForeignServers] },
  { name: 'a node without a package mirror', family: 'ipv4', packageMirror: 'down', histories: [mirrorDown] },
  {
    name: 'a node that goes to nftables mode and back',
    family: 'ipv4',
    histories: [
      fromIptablesToNftables,
      fromIpvsToNftables,
      nftTablesLeft,
      leftTablesCarryTraffic,
      dnsWithoutEndpointsInNftables,
      nftablesTooEarly,
    ],
  },
  {
    name: 'an IPv6 node, at first without a package mirror',
    family: 'ipv6',
    packageMirror: 'down',
    histories: [provenFromTheKernel6, migratedAndBack6, toNftables6],
  },
];
