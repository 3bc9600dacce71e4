import { styleText } from 'node:util';
import type { Terminal } from './terminal.ts';

/** Marks for text that a person reads; without colour they leave it as it is. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

/** Colour where a terminal welcomes it. `Terminal.lively` has decided already: NO_COLOR and pipes are plain. */
export function styleFor(terminal: Terminal): Style {
  const paint = (format: 'bold' | 'dim' | 'green' | 'red') => (text: string) =>
    terminal.lively ? styleText(format, text, { validateStream: false }) : text;
  return { bold: paint('bold'), dim: paint('dim'), good: paint('green'), bad: paint('red') };
}
