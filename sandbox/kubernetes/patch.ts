import { applyPatch, type Operation } from 'rfc6902';
import { z } from 'zod';
import { isRecord } from './object.ts';
import { badRequest, KubernetesError } from './status.ts';
import { strategicMerge } from './strategic-merge.ts';

export type PatchType = 'json' | 'merge' | 'strategic';

/** The three patch types of PATCH by content type; undefined for any other. */
export function patchType(contentType: string): PatchType | undefined {
  switch (contentType) {
    case 'application/json-patch+json':
      return 'json';
    case 'application/merge-patch+json':
      return 'merge';
    case 'application/strategic-merge-patch+json':
      return 'strategic';
    default:
      return undefined;
  }
}

/** The patched copy; throws 400 for a patch of the wrong shape and 422 for a JSON patch that does not apply. */
export function applyPatchTo(object: Record<string, unknown>, type: PatchType, patch: unknown): unknown {
  if (type === 'json') return jsonPatch(object, patch);
  if (!isRecord(patch)) throw badRequest('error decoding patch: a JSON object is expected');
  return type === 'merge' ? mergePatch(object, patch) : strategicMerge(object, patch);
}

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch))
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  return result;
}

const path = z.string().regex(/^(\/.*)?$/);
const operations: z.ZodType<Operation[]> = z.array(
  z.discriminatedUnion('op', [
    z.object({ op: z.literal('add'), path, value: z.unknown() }),
    z.object({ op: z.literal('remove'), path }),
    z.object({ op: z.literal('replace'), path, value: z.unknown() }),
    z.object({ op: z.literal('move'), from: path, path }),
    z.object({ op: z.literal('copy'), from: path, path }),
    z.object({ op: z.literal('test'), path, value: z.unknown() }),
  ]),
);

function jsonPatch(object: Record<string, unknown>, patch: unknown): unknown {
  const parsed = operations.safeParse(patch);
  if (!parsed.success) throw badRequest(`error decoding patch: ${z.prettifyError(parsed.error)}`);
  const copy: unknown = structuredClone(object);
  const failed = applyPatch(copy, parsed.data).find((result) => result !== null);
  if (failed)
    throw new KubernetesError(422, 'Invalid', 'the server rejected our request due to an error in our request', {
      causes: [{ reason: failed.name, message: failed.message }],
    });
  return copy;
}
