import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { CommandResult } from '../../region.ts';
import { AnswerReader } from './answers.ts';
import { kernelImage } from './image.ts';

/** Becomes QEMU: the process that is spawned is the machine. */
const RUN = fileURLToPath(new URL('./run-machine.sh', import.meta.url));

/** Slow enough for a machine of two cores that boots several at once, under software emulation. */
/** For a machine that hangs: on two cores with other work a boot takes ten times as long as on an idle one. */
const BOOT_MILLISECONDS = 600_000;

/** All running machines: they end with this process. */
const running = new Set<VirtualMachine>();
let watching = false;
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

  private constructor(name: string, image: { kernel: string; initrd: string }) {
    killAllOnExit();
    // Node's pipes are sockets: the console goes to the same one as QEMU's own complaints.
    const console = 'socket,id=console,fd=2';
    this.#qemu = spawn(RUN, [name, image.kernel, image.initrd, console], { stdio: ['pipe', 'pipe', 'pipe'] });
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
   * Boots a machine, 3 to 5 s on an idle core.
   *
   * @throws Error with the end of the console when it does not come up.
   */
  static async boot(name: string): Promise<VirtualMachine> {
    const machine = new VirtualMachine(name, await kernelImage());
    const late = setTimeout(() => machine.kill(), BOOT_MILLISECONDS);
    try {
      await machine.#answer(0);
      return machine;
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
