import type { CommandResult } from '../../region.ts';

/**
 * Takes apart what guest/agent.sh writes: a line `<id> <exit code> <bytes of stdout> <bytes of stderr>`, then as many
 * bytes, over and over, however the bytes come.
 */
export class AnswerReader {
  #buffer = Buffer.alloc(0);
  readonly #onAnswer: (id: number, result: CommandResult) => void;

  constructor(onAnswer: (id: number, result: CommandResult) => void) {
    this.#onAnswer = onAnswer;
  }

  /** @throws Error when a line is not one of the agent's. */
  read(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (let taken = this.#take(); taken > 0; taken = this.#take()) this.#buffer = this.#buffer.subarray(taken);
  }

  /** The number of bytes of the first answer, or 0 while it has not come whole. */
  #take(): number {
    const newline = this.#buffer.indexOf(0x0a);
    if (newline < 0) return 0;
    const line = this.#buffer.subarray(0, newline).toString();
    const [id, exitCode, out, err] = line.split(' ').map(Number);
    if (id === undefined || exitCode === undefined || out === undefined || err === undefined || Number.isNaN(err))
      throw new Error(`not a line of the agent's: ${line.slice(0, 200)}`);
    const start = newline + 1;
    if (this.#buffer.length < start + out + err) return 0;
    const stdout = this.#buffer.subarray(start, start + out).toString();
    const stderr = this.#buffer.subarray(start + out, start + out + err).toString();
    this.#onAnswer(id, { exitCode, stdout, stderr });
    return start + out + err;
  }
}
