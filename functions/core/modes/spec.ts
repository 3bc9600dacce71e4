import type * as z from 'zod/mini';
import type { NodeFacts, ValidateOutput } from '../evidence/node-facts.ts';
import type { Verdict } from '../evidence/verdict.ts';
import type { InventoryNode } from '../nodes/nodes.ts';
import type { CheckName } from '../preflight/names.ts';
import type { Mapping } from '../values/mapping.ts';
import type { Proxying, ProxyingOf, ProxyMode } from './proxy-mode.ts';

/** A field in a section of kube-proxy's configuration: `ipvs.scheduler`. */
export type SectionField = readonly [section: string, key: string];

/** A field that a mode sets. The add-on's values and a KubeProxyConfiguration name it alike. */
export type ModeField = readonly ['mode'] | SectionField;

/** What a configuration asks for, or the field whose value nightshift does not know, and the rule that it breaks. */
export type AskedProxying =
  | { kind: 'known'; proxying: Proxying }
  | { kind: 'unknown'; field: string; value: unknown; rule: string };

/** One trace of a mode on a node that left it: the fact of the verdict, and the sentence. */
export interface Leftover {
  fact: `leftover${string}`;
  value: string | number;
  note: string;
}

/** What the document `prepare-node` is given, and the verdict on what it prints. */
export interface Preparation {
  parameters: Record<string, string>;
  /** `acknowledge`: names of the checks whose findings the request accepts. */
  judge(node: Pick<InventoryNode, 'id' | 'name'>, output: string, acknowledge: readonly string[]): Verdict;
}

/** What follows from one choice of mode and options. */
export interface Choice {
  /** As a sentence names it: `ipvs (rr)`. */
  text: string;
  /** Every field that the configuration must have, and its value; null for a field that it must not have. */
  fields: readonly { field: ModeField; value: string | null }[];
  /** Null if a node needs no preparation. */
  preparation: Preparation | null;
  /** What the document `validate-node` is given besides the mode. */
  validation: Record<string, string>;
  /** Judges the tables of a node that should run this. Addresses are canonical, as `serviceAddresses` gives them. */
  judge(output: ValidateOutput, services: { apiServer: string; dns: string }): { problems: string[]; notes: string[] };
}

/** Everything that depends on kube-proxy's mode. */
export interface ModeSpec<Mode extends ProxyMode> {
  /** The choice as functions hand it to each other. */
  schema: z.ZodMiniObject<{ [Key in keyof ProxyingOf<Mode>]: z.ZodMiniType<ProxyingOf<Mode>[Key]> }, z.core.$strip>;
  /** The mode with the options that it has if nobody chose others. */
  usual: ProxyingOf<Mode>;
  /** Fields beside `mode` that belong to this mode alone. */
  ownFields: readonly SectionField[];
  /** Reads the options out of a configuration that names this mode. */
  read(values: Readonly<Mapping>): AskedProxying;
  choice(proxying: ProxyingOf<Mode>): Choice;
  /** The Kubernetes minor version whose kube-proxy does not have the mode any more; null if none is announced. */
  removedIn: number | null;
  /** Preflight checks of a change to this mode. A check that no mode names is made for every target. */
  checks: readonly CheckName[];
  /**
   * Whether Services are IPVS virtual servers: kube-proxy then binds their addresses itself, and deletes virtual servers
   * that it did not make.
   */
  virtualServers: boolean;
  /** What `nftablesMode` of Calico has to be beside this mode, in lower case. */
  felixNftables: 'enabled' | 'disabled';
  /** Whether the first packet of a connection takes as long with 30,000 Services as with a few. */
  scales: boolean;
  /** What a node in another mode still has of this one. */
  leftovers(facts: NodeFacts): Leftover[];
  /** What clean-node.sh prints about the removal of this mode: a number, or `yes` and `no`. */
  removed: Readonly<Record<`removed${string}`, 'count' | 'flag'>>;
}
