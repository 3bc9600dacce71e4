import { AddonIssueCode, ErrorCode } from '@aws-sdk/client-eks';
import type { z } from 'zod';
import { badOperation, badReason } from '../kubernetes/scripted-fault.ts';
import { KERNEL_MODULES } from '../nodes/kernel-modules.ts';
import type { Cluster, Region } from '../region.ts';
import { isServiceId, serviceModel } from '../wire/catalog.ts';
import {
  type AddonFault,
  type CallFault,
  type Fault,
  KINDS,
  type Kind,
  NODE_FAULTS,
  type NodeFault,
  type OtherFault,
  type OutageFault,
} from './kinds.ts';
import { findNode, unfit } from './nodes.ts';

/** A list of faults that was refused as a whole: no fault of it was armed. */
export class InvalidFault extends Error {
  override readonly name = 'InvalidFault';
}

/** What the entries of a list are checked against. */
export interface Known {
  readonly clusters: Region['clusters'];
  /** Whether there is a world around the clusters that time passes in and executions run in. */
  readonly live: boolean;
  readonly clock: 'virtual' | 'real';
  /** Names of the deployed documents, without the stack's prefix. */
  readonly documents: readonly string[];
  /** State machine → names of its states. */
  readonly states: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Reads one entry of a list. Throws InvalidFault with its path and the rule that it breaks. */
export function parseFault(item: unknown, path: string, known: Known): Fault {
  const fault = read(item, path);
  checkWhen(fault, path, known);
  switch (fault.kind) {
    case 'on':
      checkCall(fault, path);
      break;
    case 'node':
      checkNode(fault, path, known);
      break;
    case 'join':
      clusterNamed(known.clusters, fault.join.cluster, `${path}.join`);
      break;
    case 'addonUpdate':
      checkAddonUpdate(fault, path);
      break;
    case 'execution':
      if (fault.at === undefined) throw new InvalidFault(`${path}.at: must name the state whose execution it strikes`);
      break;
    case 'other':
      checkOther(fault, path, known);
      break;
    case 'outage':
      checkOutage(fault, path);
      break;
    case 'clock':
      if (known.clock === 'real') throw new InvalidFault(`${path}.clock: a real clock cannot skip`);
      break;
    case 'kubernetes':
    case 'events':
      break;
  }
  return fault;
}

function read(item: unknown, path: string): Fault {
  const kind = kindOf(item, path);
  switch (kind) {
    case 'on':
      return { kind, ...shaped(KINDS.on, item, path) };
    case 'node': {
      const { fault: text, ...rest } = shaped(KINDS.node, item, path);
      const [, name, module] = /^([a-z-]+)(?::(.*))?$/s.exec(text) ?? [];
      return { kind, ...rest, fault: nodeFaultName(name, path), module: module ?? '' };
    }
    case 'join':
      return { kind, ...shaped(KINDS.join, item, path) };
    case 'addonUpdate':
      return { kind, ...shaped(KINDS.addonUpdate, item, path) };
    case 'execution':
      return { kind, ...shaped(KINDS.execution, item, path) };
    case 'kubernetes':
      return { kind, ...shaped(KINDS.kubernetes, item, path) };
    case 'clock':
      return { kind, ...shaped(KINDS.clock, item, path) };
    case 'other':
      return { kind, ...shaped(KINDS.other, item, path) };
    case 'outage':
      return { kind, ...shaped(KINDS.outage, item, path) };
    case 'events':
      return { kind, ...shaped(KINDS.events, item, path) };
  }
}

const NAMES: readonly Kind[] = [
  ...(['on', 'node', 'join', 'addonUpdate', 'execution', 'kubernetes', 'clock', 'events', 'other', 'outage'] as const),
];

function kindOf(item: unknown, path: string): Kind {
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    throw new InvalidFault(`${path}: must be an object`);
  const [kind, other] = NAMES.filter((name) => name in item);
  if (!kind || other) throw new InvalidFault(`${path}: must have exactly one of ${NAMES.join(', ')}`);
  return kind;
}

function shaped<Schema extends z.ZodType>(schema: Schema, item: unknown, path: string): z.infer<Schema> {
  const result = schema.safeParse(item);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = [path, ...(issue?.path ?? []).map(String)].join('.');
  throw new InvalidFault(`${where}: ${issue?.message ?? 'is not valid'}`);
}

function nodeFaultName(name: string | undefined, path: string): NodeFault['fault'] {
  for (const known of Object.keys(NODE_FAULTS)) if (isNodeFault(known) && known === name) return known;
  throw new InvalidFault(`${path}.fault: must be one of ${Object.keys(NODE_FAULTS).join(', ')}`);
}

const isNodeFault = (name: string): name is NodeFault['fault'] => Object.hasOwn(NODE_FAULTS, name);

function checkWhen({ at, machine, visit, after }: Fault, path: string, { states, live }: Known): void {
  if (!live && (at !== undefined || after > 0))
    throw new InvalidFault(`${path}: without state machines and a clock a fault is armed at once`);
  if (at === undefined) {
    if (machine !== undefined) throw new InvalidFault(`${path}.machine: goes with at`);
    if (visit !== 1) throw new InvalidFault(`${path}.visit: goes with at`);
    return;
  }
  if (machine !== undefined && !states.has(machine))
    throw new InvalidFault(`${path}.machine: there is no state machine ${machine}`);
  const machines = machine === undefined ? [...states.keys()] : [machine];
  if (!machines.some((name) => states.get(name)?.has(at)))
    throw new InvalidFault(`${path}.at: ${machines.join(' and ') || 'no state machine'} has no state ${at}`);
}

/** AWS's operations are known by name; Kubernetes' are a verb and a resource, and its errors are a closed list. */
function checkCall({ on, error, lostReply, late }: CallFault, path: string): void {
  if ([error, lostReply, late].filter((effect) => effect !== undefined).length !== 1)
    throw new InvalidFault(`${path}: must have exactly one of error, lostReply, late`);
  const invokes = on.service === 'lambda' && on.operation === 'Invoke';
  if (on.function !== undefined && !invokes) throw new InvalidFault(`${path}.on.function: goes with Invoke of lambda`);
  if (late !== undefined && !invokes) throw new InvalidFault(`${path}.late: goes with Invoke of lambda`);
  if (on.service === 'kubernetes') {
    const reason = error === undefined ? undefined : badReason(error);
    if (reason !== undefined) throw new InvalidFault(`${path}.error: ${reason}`);
  }
  checkService(on.service, `${path}.on.service`);
  checkOperation(on.service, on.operation, `${path}.on.operation`);
}

function checkService(service: string, path: string): void {
  if (service === 'kubernetes' || isServiceId(service)) return;
  throw new InvalidFault(`${path}: no service of the sandbox is called ${service}`);
}

function checkOperation(service: string, operation: string, path: string): void {
  const problem = service === 'kubernetes' ? badOperation(operation) : undefined;
  if (problem !== undefined) throw new InvalidFault(`${path}: ${problem}`);
  if (isServiceId(service) && !serviceModel(service).operations.has(operation))
    throw new InvalidFault(`${path}: ${service} has no operation ${operation}`);
}

function checkOutage({ outage, operation }: OutageFault, path: string): void {
  checkService(outage, `${path}.outage`);
  if (operation !== undefined) checkOperation(outage, operation, `${path}.operation`);
}

function checkOther(fault: OtherFault, path: string, { clusters, live }: Known): void {
  if (!live) throw new InvalidFault(`${path}.other: needs a running sandbox`);
  clusterNamed(clusters, fault.cluster, path);
  if (fault.other === 'edit-config-map' && (fault.text === undefined) === (fault.fields === undefined))
    throw new InvalidFault(`${path}: must have exactly one of text, fields`);
}

const OPTIONS = ['for', 'times', 'mode', 'document', 'how'] as const;

function checkNode(fault: NodeFault, path: string, { clusters, documents, live }: Known): void {
  const taken: readonly string[] = NODE_FAULTS[fault.fault];
  const extra = OPTIONS.find((name) => fault[name] !== undefined && !taken.includes(name));
  if (extra) throw new InvalidFault(`${path}.${extra}: ${fault.fault} takes ${taken.join(', ') || 'no options'}`);
  if (!live && (fault.for !== undefined || fault.fault !== 'agent-offline'))
    throw new InvalidFault(`${path}.fault: needs a running sandbox`);
  if (fault.fault === 'module-missing' && !KERNEL_MODULES.some((module) => module === fault.module))
    throw new InvalidFault(`${path}.fault: module-missing: must be followed by one of ${KERNEL_MODULES.join(', ')}`);
  if (fault.document !== undefined && !documents.includes(fault.document))
    throw new InvalidFault(`${path}.document: must be one of ${documents.join(', ')}`);
  if (fault.fault !== 'module-missing' && fault.module !== '')
    throw new InvalidFault(`${path}.fault: ${fault.fault} takes no module`);
  const chosen = clusterNamed(clusters, fault.cluster, path);
  const among = chosen ? [chosen] : [...clusters.values()];
  // Which node "any" is, and whether there is an nth one, is known when the state is entered.
  const several = fault.node === 'any' || fault.node === 'all';
  if (fault.at !== undefined && (several || typeof fault.node === 'number')) return;
  if (several) {
    if (among.some(({ nodes }) => nodes.some((node) => unfit(node, fault.fault) === undefined))) return;
    throw new InvalidFault(`${path}.node: there is no node that it can strike`);
  }
  const node = findNode(among, fault.node);
  if (!node)
    throw new InvalidFault(
      typeof fault.node === 'number'
        ? `${path}.node: there is no node with the index ${fault.node}`
        : `${path}.node: no node has the id or name ${fault.node}`,
    );
  const why = unfit(node, fault.fault);
  if (why !== undefined) throw new InvalidFault(`${path}.node: ${fault.node} ${why}`);
}

function clusterNamed(clusters: Region['clusters'], name: string | undefined, path: string): Cluster | undefined {
  if (name === undefined) return undefined;
  const found = clusters.get(name);
  if (!found) throw new InvalidFault(`${path}.cluster: there is no cluster ${name}`);
  return found;
}

function checkAddonUpdate({ addonUpdate, code, applied }: AddonFault, path: string): void {
  const codes: readonly string[] = Object.values(addonUpdate === 'Degraded' ? AddonIssueCode : ErrorCode);
  if (addonUpdate === 'Cancelled' ? code !== undefined && !codes.includes(code) : !codes.includes(code ?? ''))
    throw new InvalidFault(`${path}.code: must be one of ${codes.join(', ')}`);
  if (applied !== undefined && addonUpdate === 'Degraded')
    throw new InvalidFault(`${path}.applied: a Degraded add-on has its configuration`);
}
