import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { CommandResult } from '../../region.ts';
import { AnswerReader } from './answers.ts';
import { type Image, kernelImage } from './image.ts';
import { saveMachine } from './save-machine.ts';

/** Becomes QEMU: the process that is spawned is the machine. */
const RUN = fileURLToPath(new URL('./run-machine.sh', import.meta.url));

/** For a machine that hangs: on two cores with other work a boot takes ten times as long as on an idle one. */
const BOOT_MILLISECONDS = 600_000;

/** All running machines: they end with this process. */
const running = new Set<VirtualMachine>();
let watching = false;
/** The file of a booted machine, or null if there can be none. */
let saved: Promise<string | null> | undefined;
function killAllOnExit(): void {
  if (watching) return;
  watching = true;
  process.on('exit', () => {
    for (const machine of running) machine.kill();
  });
}

interface Pending {
  resolve(result: CommandResult): void;
  reject(error: Error): void;
}

/**
 * One QEMU process: Debian's kernel, software emulation (never KVM: a laptop or a CI machine may not have it), 512 MiB,
 * no network, no disk. It is spoken to through a virtual serial port, which is QEMU's stdin and stdout: when this
 * process ends, however it ends, the guest reads the end of the port and powers itself off. The guest's side of the
 * conversation is guest/agent.sh.
 */
export class VirtualMachine {
  readonly #qemu: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #pending = new Map<number, Pending>();
  readonly #ended: Promise<void>;
  #ids = 0;
  /** The end of the console and of what QEMU itself complained about. */
  #console = '';

  private constructor(name: string, image: Image, options: readonly string[] = []) {
    killAllOnExit();
    // Node's pipes are sockets: the console goes to the same one as QEMU's own complaints.
    const console = 'socket,id=console,fd=2';
    this.#qemu = spawn(RUN, [name, image.kernel, image.initrd, console, ...options], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    running.add(this);
    const reader = new AnswerReader((id, result) => {
      this.#pending.get(id)?.resolve(result);
      this.#pending.delete(id);
    });
    this.#qemu.stdout.on('data', (chunk: Buffer) => reader.read(chunk));
    this.#qemu.stderr.on('data', (chunk: Buffer) => {
      this.#console = `${this.#console}${chunk}`.slice(-2_000);
    });
    // Writing to a machine that has just ended fails; `close` rejects the pending commands.
    this.#qemu.stdin.on('error', () => {});
    this.#ended = new Promise((resolve) => {
      this.#qemu.on('error', (error) => this.#finish(error.message, resolve));
      this.#qemu.on('close', () => this.#finish(this.#console.trim() || 'it was powered off', resolve));
    });
  }

  /**
   * Starts a machine where one has booted before (half a second on an idle core, a boot takes 2 to 3 s). The first boot
   * of an image is kept; where it cannot be kept, or not be read again, every machine boots.
   *
   * @throws Error with the end of the console when it does not come up.
   */
  static async boot(name: string): Promise<VirtualMachine> {
    const image = await kernelImage();
    saved ??= VirtualMachine.#saved(image);
    const file = await saved;
    if (file !== null)
      try {
        return await VirtualMachine.#resumed(name, image, file);
      } catch {
        saved = Promise.resolve(null);
        await rm(file, { force: true }).catch(() => {});
      }
    return VirtualMachine.#booted(name, image);
  }

  static async #saved(image: Image): Promise<string | null> {
    if (existsSync(image.booted)) return image.booted;
    const done = await saveMachine(image.booted, async (options) => {
      const machine = await VirtualMachine.#booted('node', image, options);
      return () => machine.stop();
    }).catch(() => false);
    return done ? image.booted : null;
  }

  static #booted(name: string, image: Image, options: readonly string[] = []): Promise<VirtualMachine> {
    const machine = new VirtualMachine(name, image, options);
    return machine.#inTime(machine.#answer(0));
  }

  static #resumed(name: string, image: Image, file: string): Promise<VirtualMachine> {
    const machine = new VirtualMachine(name, image, ['-incoming', `exec:cat '${file}'`]);
    const clock = `date -s @${Math.floor(Date.now() / 1_000)}`;
    const known = machine
      .put('/etc/hostname', name)
      .then(() => machine.run(`#!/bin/sh\nhostname -F /etc/hostname && ${clock}\n`));
    return machine.#inTime(known);
  }

  async #inTime(up: Promise<unknown>): Promise<VirtualMachine> {
    const late = setTimeout(() => this.kill(), BOOT_MILLISECONDS);
    try {
      await up;
      return this;
    } finally {
      clearTimeout(late);
    }
  }

  /** Runs a script in the machine as root. A script that fails resolves; a machine that is gone rejects. */
  run(script: string): Promise<CommandResult> {
    return this.#send('run', script);
  }

  /** Writes a file in the machine. */
  async put(path: string, content: string): Promise<void> {
    await this.#send('put', content, path);
  }

  /** Powers the machine off. Resolves when its process is gone. */
  async stop(): Promise<void> {
    this.#qemu.stdin.end();
    const late = setTimeout(() => this.kill(), 5_000);
    await this.#ended;
    clearTimeout(late);
  }

  kill(): void {
    this.#qemu.kill('SIGKILL');
  }

  #send(kind: 'run' | 'put', content: string, path = ''): Promise<CommandResult> {
    this.#ids += 1;
    const answer = this.#answer(this.#ids);
    const bytes = Buffer.from(content);
    this.#qemu.stdin.write(`${this.#ids} ${kind} ${bytes.length} ${path}\n`);
    this.#qemu.stdin.write(bytes);
    return answer;
  }

  #answer(id: number): Promise<CommandResult> {
    if (!running.has(this)) return Promise.reject(new Error('the virtual machine has been stopped'));
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
  }

  #finish(why: string, done: () => void): void {
    running.delete(this);
    for (const { reject } of this.#pending.values()) reject(new Error(`the virtual machine is gone: ${why}`));
    this.#pending.clear();
    done();
  }
}
