import { decode, describe, encode, type ObjectStore } from '../../aws/s3.ts';
import type { Evidence } from '../../contracts/shared/input.ts';
import type { Kept, StoredObject } from '../../contracts/shared/output.ts';
import { EvidenceMissing } from '../../core/errors.ts';
import { MOST_CARRIED } from '../../core/execution/state-data.ts';

/** Why a call to the bucket failed, in one line without request ids. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 200) : String(error).slice(0, 200);
}

/**
 * Stores a text. If evidence is optional and the bucket refuses the text, or refuses to return it, the reference
 * carries the text itself.
 * @throws EvidenceMissing for a text that is too large to be carried; the bucket's own error if evidence is required
 */
export async function keep(
  store: Pick<ObjectStore, 'put' | 'find'>,
  key: string,
  text: string,
  evidence: Evidence,
): Promise<Kept> {
  try {
    const stored = await store.put(key, text);
    return evidence === 'required' || (await canBeRead(store, key)) ? stored : withText(stored, text);
  } catch (error) {
    if (evidence === 'required') throw error;
    const inline = carriedText(text);
    if (inline === null)
      throw new EvidenceMissing(`${key} could not be stored (${reasonOf(error)}) and is too large to be carried.`, {
        nextStep: 'Make the evidence bucket writable for nightshift again: the way back needs it on large clusters.',
        cause: error,
      });
    return { ...describe(key, text), unstored: reasonOf(error), inline };
  }
}

/** A bucket may accept writes and refuse reads: what a rollback needs must be readable before the change. */
async function canBeRead(store: Pick<ObjectStore, 'find'>, key: string): Promise<boolean> {
  try {
    return (await store.find(key)) !== null;
  } catch {
    return false;
  }
}

/** Adds the text itself to the reference, if the text is not too large to be carried. */
function withText(stored: StoredObject, text: string): Kept {
  const inline = carriedText(text);
  return inline === null ? stored : { ...stored, inline };
}

/** A text gzipped and in base64, as a reference carries it; null for one that is too large for state data. */
export function carriedText(text: string): string | null {
  const inline = encode('inline.gz', text).toString('base64');
  return inline.length > MOST_CARRIED ? null : inline;
}

/**
 * The text behind a reference: the text that the reference carries, or else the object in the bucket. Throws
 * EvidenceMissing.
 */
export async function textOf(
  store: Pick<ObjectStore, 'get'>,
  { key, inline }: { key: string; inline?: string },
): Promise<string> {
  if (inline === undefined) return (await store.get(key)).text;
  try {
    return decode('inline.gz', Buffer.from(inline, 'base64'));
  } catch (cause) {
    throw new EvidenceMissing(`What the state machine carries of ${key} cannot be read.`, { cause });
  }
}
