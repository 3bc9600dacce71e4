const OFFSET = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;

/**
 * Sixteen hex digits for a text: FNV-1a, 64 bits, over its UTF-8 bytes. Tells names apart where AWS cuts them short;
 * guards nothing. https://datatracker.ietf.org/doc/draft-eastlake-fnv/
 */
export function shortDigest(text: string): string {
  let digest = OFFSET;
  for (const byte of new TextEncoder().encode(text)) digest = BigInt.asUintN(64, (digest ^ BigInt(byte)) * PRIME);
  return digest.toString(16).padStart(16, '0');
}

/**
 * `head` and `tail` as one name. A longer one than AWS takes loses the end of its head, and a digest of `of` tells it from
 * other names.
 */
export function cutName(
  head: string,
  { of, longest, tail = '', separator = '-' }: { of: string; longest: number; tail?: string; separator?: string },
): string {
  const name = `${head}${tail}`;
  if (name.length <= longest) return name;
  const end = `${separator}${shortDigest(of)}${tail}`;
  return `${head.slice(0, longest - end.length)}${end}`;
}
