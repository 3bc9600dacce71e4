import { readFileSync, writeFileSync } from 'node:fs';
import { readDefinition, STATE_MACHINES } from '../state-machines/definitions.ts';
import { drawStateMachine } from '../state-machines/draw.ts';

/** Writes the graphs in state-machines/README.md again; a test compares them with the definitions. */
const page = new URL('../state-machines/README.md', import.meta.url);
let text = readFileSync(page, 'utf8');
for (const name of STATE_MACHINES) {
  const graph = drawStateMachine(JSON.parse(readDefinition(name)));
  const marked = new RegExp(`(<!-- graph of ${name} -->\n)[^]*?(\n<!-- end -->)`);
  if (!marked.test(text)) throw new Error(`state-machines/README.md has no place marked "graph of ${name}"`);
  text = text.replace(marked, (_, begin: string, end: string) => `${begin}\`\`\`mermaid\n${graph}\n\`\`\`${end}`);
}
writeFileSync(page, text);
