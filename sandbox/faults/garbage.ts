/** The replacement for bytes of an agent that are not UTF-8. */
const REPLACEMENT = '\uFFFD';

/** Cut: only the beginning is there, at most nine tenths of it. Garbled: half of it is unreadable, wherever that is. */
export type Garbage = 'cut' | 'garbled';

/** A document's output as a broken connection leaves it. `random` gives 0 ≤ n < 1. */
export function spoil(text: string, how: Garbage, random: () => number): string {
  switch (how) {
    case 'cut':
      return text.slice(0, Math.floor(text.length * random() * 0.9));
    case 'garbled': {
      const length = Math.ceil(text.length / 2);
      const start = Math.floor(random() * (text.length - length));
      return text.slice(0, start) + REPLACEMENT.repeat(length) + text.slice(start + length);
    }
  }
}
