#!/usr/bin/env node
// The sources run on Node 24 as they are. Started by an older Node, this hands over to the one that npm installed.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const NEEDED = 24;
/** @type {NodeJS.Signals[]} */
const ENDINGS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
const entry = fileURLToPath(new URL('../nightshift.ts', import.meta.url));

// What a person pastes starts this program the way that this person did.
if (basename(process.argv[1] ?? '') === 'nightshift' && process.env['npm_command'] === undefined)
  process.env['NIGHTSHIFT_COMMAND'] = 'nightshift';
endWithNpx();
if (Number(process.versions.node.split('.')[0]) >= NEEDED) {
  const { main } = await import('../nightshift.ts');
  await main(process.argv.slice(2));
} else {
  handOver();
}

/**
 * npx starts its command through a shell that keeps a SIGTERM to itself: a sandbox would outlive the npx that a script
 * has ended, and hold its port.
 */
function endWithNpx() {
  if (process.env['npm_command'] !== 'exec') return;
  const shell = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 200);
  watch.unref();
}

function handOver() {
  const node = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));
  if (!existsSync(node)) {
    console.error('next: run npm ci in the repository, it brings Node 24.');
    console.error(`nightshift: needs Node ${NEEDED}, this is ${process.version}, and ${node} is not there.`);
    process.exit(1);
  }
  // Over the channel the child notices that this process is gone, however it was ended.
  const child = spawn(node, [entry, ...process.argv.slice(2)], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  // A terminal sends Ctrl-C to both processes: this one stays until the child has said its last words.
  for (const signal of ENDINGS)
    process.on(signal, () => {
      if (!(signal === 'SIGINT' && process.stdin.isTTY)) child.kill(signal);
    });
  child.on('error', (error) => {
    console.error(`nightshift: could not start ${node}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1)));
}
