import * as z from 'zod/mini';
import type { NodeFacts } from '../evidence/node-facts.ts';
import { given, type Mapping } from '../values/mapping.ts';
import { iptables } from './iptables.ts';
import { ipvs } from './ipvs.ts';
import { nftables } from './nftables.ts';
import { DEFAULT_MODE, type Proxying, type ProxyingOf, type ProxyMode } from './proxy-mode.ts';
import type { AskedProxying, Choice, Leftover, ModeSpec, SectionField } from './spec.ts';

/**
 * Everything that depends on kube-proxy's mode, one file a mode.
 * - iptables: rules for every Service, read from the first to the last; the mode that clusters leave.
 * - ipvs: a hash table in the kernel, with a scheduler; deprecated since Kubernetes 1.35.
 * - nftables: maps that the kernel searches by hash; what follows IPVS.
 */
export const MODES: { readonly [Mode in ProxyMode]: ModeSpec<Mode> } = { iptables, ipvs, nftables };

export const isProxyMode = (value: unknown): value is ProxyMode =>
  typeof value === 'string' && Object.hasOwn(MODES, value);

const specs = Object.values(MODES);
const { [DEFAULT_MODE]: byDefault, ...byChoice } = MODES;
/** The schema of a mode with its options. */
export const ModeWithOptions = z.discriminatedUnion('mode', [
  byDefault.schema,
  ...Object.values(byChoice).map(({ schema }) => schema),
]);

/** For people, in the order of the table. */
export const MODE_NAMES: readonly string[] = Object.keys(MODES);

/** The fields of all modes beside `mode`: what a migration changes. */
export const OWN_FIELDS: readonly SectionField[] = specs.flatMap(({ ownFields }) => ownFields);

/** What follows from a mode and its options. */
export function choiceOf<Mode extends ProxyMode>(proxying: ProxyingOf<Mode>): Choice {
  return MODES[proxying.mode].choice(proxying);
}

/** The fields that a change to this sets: `mode and ipvs.scheduler`. */
export const settingNames = (proxying: Proxying): string =>
  choiceOf(proxying)
    .fields.map(({ field }) => field.join('.'))
    .join(' and ');

/** What a cluster runs, as a sentence names it: `ipvs (rr)`, `iptables`. */
export const describeProxying = (proxying: Proxying): string => choiceOf(proxying).text;

/** True if both are the same mode with the same options. Null, for what is not known, equals nothing. */
export const sameProxying = (one: Proxying | null, other: Proxying): boolean =>
  one !== null && describeProxying(one) === describeProxying(other);

/** The mode that a configuration names; kube-proxy's default if it names none. */
export const modeIn = (values: Readonly<Mapping>): unknown => given(values, 'mode') ?? DEFAULT_MODE;

/** Reads what a KubeProxyConfiguration or the add-on's values ask for. */
export function proxyingOf(values: Readonly<Mapping>): AskedProxying {
  const mode = modeIn(values);
  if (isProxyMode(mode)) return MODES[mode].read(values);
  return {
    kind: 'unknown',
    field: 'mode',
    value: mode,
    rule: `only ${MODE_NAMES.slice(0, -1).join(', ')} and ${MODE_NAMES.at(-1)} are known`,
  };
}

/** What modes other than this one have left on a node. A node counts the REJECT rules of every mode but the one it runs. */
export function leftoversBeside(mode: ProxyMode, facts: NodeFacts): Leftover[] {
  const value = facts.rejectRules;
  const rejects = {
    fact: 'leftoverRejectRules',
    value,
    note: `${value} REJECT rules of the former mode are left`,
  } as const;
  return [
    ...specs.filter((spec) => spec !== MODES[mode]).flatMap((spec) => spec.leftovers(facts)),
    ...(value > 0 ? [rejects] : []),
  ];
}
