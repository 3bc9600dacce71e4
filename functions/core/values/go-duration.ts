const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const PART = /(\d{0,18})(?:\.(\d{0,18}))?(ns|us|µs|μs|ms|s|m|h)/y;

/**
 * Nanoseconds of a Go duration such as `1h0m0s` or `1.5h`; null for a text that is not one.
 * https://pkg.go.dev/time#ParseDuration
 */
export function goDuration(text: string): bigint | null {
  const isNegative = text.startsWith('-');
  const digits = isNegative || text.startsWith('+') ? text.slice(1) : text;
  if (digits === '0') return 0n;
  let sum = 0n;
  let at = 0;
  while (at < digits.length) {
    PART.lastIndex = at;
    const [part = '', whole = '', fraction = '', unit = ''] = PART.exec(digits) ?? [];
    const scale = UNITS[unit];
    if (scale === undefined || whole + fraction === '') return null;
    sum += BigInt(whole || '0') * scale + (BigInt(fraction || '0') * scale) / 10n ** BigInt(fraction.length);
    at += part.length;
  }
  return at === 0 ? null : isNegative ? -sum : sum;
}
