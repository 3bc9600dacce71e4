/** One part of a pattern: a character, or any number of characters that are not excluded. */
type Token = { kind: 'char'; char: string } | { kind: 'any'; except: string } | { kind: 'one' };

/** Variables of ARN formats whose values may contain slashes. */
const WITH_SLASHES = /^(ObjectName|RoleNameWithPath|LogGroupName|LogStreamName|ParameterNameWithoutLeadingSlash)$/;

/** Parses `*` and `?` of a policy, and `${Variable}` of a format of the reference, which stands for one name. */
function tokensOf(pattern: string): Token[] {
  const parts = pattern.match(/\$\{[^}]*\}|[\s\S]/g) ?? [];
  return parts.map((part) => {
    if (part === '*') return { kind: 'any', except: '' };
    if (part === '?') return { kind: 'one' };
    if (part.length === 1) return { kind: 'char', char: part };
    return { kind: 'any', except: WITH_SLASHES.test(part.slice(2, -1)) ? ':' : ':/' };
  });
}

/** Whether a text exists that fits both patterns. */
export function covers(one: string, other: string): boolean {
  const [left, right] = [tokensOf(one), tokensOf(other)];
  const known = new Map<number, boolean>();
  const meet = (i: number, j: number): boolean => {
    const key = i * (right.length + 1) + j;
    const found = known.get(key);
    if (found !== undefined) return found;
    known.set(key, false);
    const result = step(left[i], right[j], i, j);
    known.set(key, result);
    return result;
  };
  const step = (a: Token | undefined, b: Token | undefined, i: number, j: number): boolean => {
    if (a === undefined && b === undefined) return true;
    if (a?.kind === 'any') return meet(i + 1, j) || (takes(a, b) && meet(i, j + 1));
    if (b?.kind === 'any') return meet(i, j + 1) || (takes(b, a) && meet(i + 1, j));
    if (a === undefined || b === undefined) return false;
    return (a.kind === 'one' || b.kind === 'one' || a.char === b.char) && meet(i + 1, j + 1);
  };
  return meet(0, 0);
}

function takes(any: { except: string }, token: Token | undefined): boolean {
  return token !== undefined && (token.kind !== 'char' || !any.except.includes(token.char));
}
