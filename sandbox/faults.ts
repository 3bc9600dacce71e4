import { z } from 'zod';
import type { Region } from './region.ts';
import { isServiceId, serviceModel } from './wire/catalog.ts';

/** What `strike` answers: the call fails with this error before anything was done. */
export interface ApiFault {
  readonly error: string;
}

interface ArmedApiFault extends ApiFault {
  readonly service: string;
  readonly operation: string;
  left: number;
}

const On = z.strictObject({ service: z.string().min(1), operation: z.string().min(1) });
const Times = z.int().min(1).max(100_000).default(1);

/**
 * Every kind of fault by the member that only it has. A kind is its shape and what arming it does, so that a further
 * kind is one further entry.
 */
const KINDS = {
  on: z.strictObject({
    on: On,
    error: z.string().regex(/^[A-Z][A-Za-z0-9.]*$/, 'must be an error code'),
    times: Times,
  }),
  node: z.strictObject({ node: z.string().min(1), fault: z.literal('agent-offline') }),
} as const;
type Kind = keyof typeof KINDS;
type ParsedFault =
  | { kind: 'on'; fault: z.infer<(typeof KINDS)['on']> }
  | { kind: 'node'; fault: z.infer<(typeof KINDS)['node']> };

/** A list of faults that was refused as a whole: nothing of it was armed. */
export class InvalidFault extends Error {
  override readonly name = 'InvalidFault';
}

/** Scripted misfortune: what `POST /_sandbox/faults` takes. */
export class Faults {
  readonly #region: Pick<Region, 'clusters'>;
  #armed: ArmedApiFault[] = [];

  constructor(region: Pick<Region, 'clusters'>) {
    this.#region = region;
  }

  /**
   * Arms a list of faults, all or none. `{on: {service, operation}, error, times}` fails the next `times` calls;
   * `{node, fault: 'agent-offline'}` takes a node's SSM agent away. Throws InvalidFault with the path and the rule.
   */
  add(list: unknown): void {
    if (!Array.isArray(list)) throw new InvalidFault('faults: must be a list');
    const parsed = list.map((item: unknown, index) => this.#parse(item, `faults[${index}]`));
    for (const item of parsed) this.#arm(item);
  }

  /** Takes the fault that strikes this call, if there is one. `kubernetes` calls ask with their verb and resource. */
  strike(service: string, operation: string): ApiFault | undefined {
    if (this.#armed.length === 0) return undefined;
    const fault = this.#armed.find((armed) => armed.service === service && armed.operation === operation);
    if (!fault) return undefined;
    fault.left -= 1;
    if (fault.left === 0) this.#armed = this.#armed.filter((armed) => armed !== fault);
    return { error: fault.error };
  }

  #parse(item: unknown, path: string): ParsedFault {
    const kind = kindOf(item, path);
    switch (kind) {
      case 'on': {
        const fault = parse(KINDS.on, item, path);
        checkOperation(fault.on, path);
        return { kind, fault };
      }
      case 'node': {
        const fault = parse(KINDS.node, item, path);
        if (!this.#node(fault.node)) throw new InvalidFault(`${path}.node: no node has the id or name ${fault.node}`);
        return { kind, fault };
      }
    }
  }

  #arm(parsed: ParsedFault): void {
    switch (parsed.kind) {
      case 'on':
        this.#armed.push({ ...parsed.fault.on, error: parsed.fault.error, left: parsed.fault.times });
        return;
      case 'node': {
        const node = this.#node(parsed.fault.node);
        if (node) node.agent = 'offline';
        return;
      }
    }
  }

  #node(idOrName: string) {
    for (const cluster of this.#region.clusters.values())
      for (const node of cluster.nodes) if (node.id === idOrName || node.name === idOrName) return node;
    return undefined;
  }
}

function kindOf(item: unknown, path: string): Kind {
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    throw new InvalidFault(`${path}: must be an object`);
  const found = (['on', 'node'] as const).filter((kind) => kind in item);
  const [kind] = found;
  if (!kind || found.length > 1) throw new InvalidFault(`${path}: must have exactly one of on, node`);
  return kind;
}

function parse<Schema extends z.ZodType>(schema: Schema, item: unknown, path: string): z.infer<Schema> {
  const result = schema.safeParse(item);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = [path, ...(issue?.path ?? []).map(String)].join('.');
  throw new InvalidFault(`${where}: ${issue?.message ?? 'is not valid'}`);
}

/** Kubernetes calls are named by verb and resource, of which there is no list; AWS's operations are known. */
function checkOperation(on: { service: string; operation: string }, path: string): void {
  if (on.service === 'kubernetes') return;
  if (!isServiceId(on.service))
    throw new InvalidFault(`${path}.on.service: no service of the sandbox is called ${on.service}`);
  if (!serviceModel(on.service).operations.has(on.operation))
    throw new InvalidFault(`${path}.on.operation: ${on.service} has no operation ${on.operation}`);
}
