import * as z from 'zod/mini';
import { findElements } from './nftables-maps.ts';
import { HOST_FIREWALL, judgeNftablesPreparation, LOCALHOST_NODE_PORTS } from './nftables-preparation.ts';
import type { ModeSpec } from './spec.ts';

/** Services in maps of nftables, which the kernel searches by hash; there is no scheduler: a backend is chosen at random. */
export const nftables: ModeSpec<'nftables'> = {
  schema: z.object({ mode: z.literal('nftables') }),
  usual: { mode: 'nftables' },
  ownFields: [],
  read: () => ({ kind: 'known', proxying: { mode: 'nftables' } }),
  choice: () => ({
    text: 'nftables',
    fields: [
      { field: ['mode'], value: 'nftables' },
      { field: ['ipvs', 'scheduler'], value: null },
    ],
    preparation: {
      parameters: { Mode: 'nftables', Scheduler: 'none' },
      judge: judgeNftablesPreparation,
    },
    validation: { Scheduler: 'none' },
    judge: ({ elements }, services) => ({ problems: findElements(elements, services).problems, notes: [] }),
  }),
  removedIn: null,
  virtualServers: false,
  scales: true,
  felixNftables: 'enabled',
  checks: [
    'kube-proxy-version',
    'scheduler',
    'foreign-virtual-servers',
    LOCALHOST_NODE_PORTS,
    HOST_FIREWALL,
    'node-kernels',
    'bottlerocket',
    'node-local-dns',
    'vpc-cni',
    'network-policy-agent',
    'node-port-addresses',
    'cluster-size',
  ],
  leftovers({ nftTables }) {
    if (nftTables === 'unknown' || nftTables === 0) return [];
    const note = `${nftTables} nftables tables of the former mode are left`;
    return [{ fact: 'leftoverNftTables', value: nftTables, note }];
  },
  removed: { removedNftTables: 'count' },
};
