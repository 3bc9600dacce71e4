import * as z from 'zod/mini';
import type { ModeSpec } from './spec.ts';

/** kube-proxy's default on Linux: every cluster's former mode unless someone chose another. */
export const iptables: ModeSpec<'iptables'> = {
  schema: z.object({ mode: z.literal('iptables') }),
  usual: { mode: 'iptables' },
  ownFields: [],
  read: () => ({ kind: 'known', proxying: { mode: 'iptables' } }),
  choice: () => ({
    text: 'iptables',
    fields: [{ field: ['mode'], value: 'iptables' }],
    preparation: null,
    validation: { Scheduler: 'none' },
    judge: ({ facts }) => ({
      problems: facts.iptablesServices === 0 ? ['there is no KUBE-SVC or KUBE-SVL chain in the nat table'] : [],
      notes: [],
    }),
  }),
  removedIn: null,
  virtualServers: false,
  scales: false,
  felixNftables: 'disabled',
  checks: [],
  // Its REJECT rules are those of any former mode, and counted there.
  leftovers({ iptablesServices: value }) {
    if (value === 0) return [];
    return [{ fact: 'leftoverServiceChains', value, note: `${value} chains for Services of iptables mode are left` }];
  },
  removed: { removedRules: 'count', removedChains: 'count' },
};
