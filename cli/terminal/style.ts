import { styleText } from 'node:util';
import type { Terminal } from './terminal.ts';

/** Styles for text that a person reads; without colour they do not change it. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

/**
 * Colour for a terminal that supports it. `Terminal.lively` has decided: with NO_COLOR or in a pipe output is plain.
 */
export function styleFor(terminal: Terminal): Style {
  const paint = (format: 'bold' | 'dim' | 'green' | 'red') => (text: string) =>
    terminal.lively ? styleText(format, text, { validateStream: false }) : text;
  return { bold: paint('bold'), dim: paint('dim'), good: paint('green'), bad: paint('red') };
}
