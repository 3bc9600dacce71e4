import * as z from 'zod/mini';
import { given, isMapping } from '../values/mapping.ts';
import { FOREIGN_SERVERS } from './foreign-servers.ts';
import { findExpected } from './ipvs-expected.ts';
import { judgePrepareOutput } from './ipvs-preparation.ts';
import { IPVS_SCHEDULERS, isIpvsScheduler } from './proxy-mode.ts';
import type { Choice, Leftover, ModeSpec } from './spec.ts';

const schedulerRule = `must be one of ${IPVS_SCHEDULERS.join(', ')}`;

/** Services in the kernel's IPVS tables, with one scheduler for all of them. */
export const ipvs: ModeSpec<'ipvs'> = {
  schema: z.object({
    mode: z.literal('ipvs'),
    scheduler: z.enum(IPVS_SCHEDULERS, { error: schedulerRule }),
  }),
  usual: { mode: 'ipvs', scheduler: 'rr' },
  ownFields: [['ipvs', 'scheduler']],
  // An absent or empty scheduler is rr: https://kubernetes.io/docs/reference/networking/virtual-ips/
  read(values) {
    const unknown = (value: unknown) =>
      ({ kind: 'unknown', field: 'ipvs.scheduler', value, rule: `it ${schedulerRule}` }) as const;
    const section = given(values, 'ipvs') ?? {};
    if (!isMapping(section)) return unknown(section);
    const scheduler = given(section, 'scheduler') ?? 'rr';
    return isIpvsScheduler(scheduler) ? { kind: 'known', proxying: { mode: 'ipvs', scheduler } } : unknown(scheduler);
  },
  choice: ({ scheduler }) => ({
    text: `ipvs (${scheduler})`,
    fields: [
      { field: ['mode'], value: 'ipvs' },
      { field: ['ipvs', 'scheduler'], value: scheduler },
    ],
    preparation: {
      parameters: { Mode: 'ipvs', Scheduler: scheduler },
      judge: (node, output, acknowledge) =>
        judgePrepareOutput(node, output, { scheduler, foreignAccepted: acknowledge.includes(FOREIGN_SERVERS) }),
    },
    validation: { Scheduler: scheduler },
    judge: (output, services) => judge(output, services, scheduler),
  }),
  removedIn: 43,
  virtualServers: true,
  scales: true,
  felixNftables: 'disabled',
  checks: [
    'ipvs-deprecated',
    'ipvs-disabled',
    'foreign-virtual-servers',
    'kernel',
    'idle-timeout',
    'external-ips',
    'node-local-dns',
    'metallb',
    'security-groups-for-pods',
  ],
  leftovers({ virtualServers, kubeIpvs0 }) {
    const found: Leftover[] = [];
    if (virtualServers > 0)
      found.push({
        fact: 'leftoverVirtualServers',
        value: virtualServers,
        note: `${virtualServers} IPVS virtual servers of the former mode are left`,
      });
    if (kubeIpvs0 === 'present')
      found.push({
        fact: 'leftoverInterface',
        value: 'kube-ipvs0',
        note: 'the interface kube-ipvs0 of the former mode is left',
      });
    return found;
  },
  removed: { removedVirtualServers: 'count', removedIpsets: 'count', removedKubeIpvs0: 'flag' },
};

function judge(
  { facts, servers }: Parameters<Choice['judge']>[0],
  services: Parameters<Choice['judge']>[1],
  scheduler: string,
): ReturnType<Choice['judge']> {
  const problems: string[] = [];
  if (facts.kubeIpvs0 !== 'present') problems.push('the interface kube-ipvs0 is absent');
  if (facts.virtualServers < servers.length)
    problems.push(`the kernel counts ${facts.virtualServers} virtual servers, the tables show ${servers.length}`);
  const found = findExpected(servers, { ...services, scheduler });
  return { problems: [...problems, ...found.problems], notes: found.notes };
}
