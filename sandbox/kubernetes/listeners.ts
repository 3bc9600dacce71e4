import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Certificates } from './certificates.ts';

/** A TLS server on a port of 127.0.0.1. */
export interface Listener {
  readonly server: Server;
  readonly endpoint: string;
}

/**
 * The ports of one sandbox's Kubernetes APIs. A port that a cluster releases serves a cluster of the next world: its
 * functions are warm, and keep their connections as they would to a cluster that stays.
 */
export class Listeners {
  readonly certificates: Certificates;
  readonly #free: Listener[] = [];

  constructor(certificates: Certificates) {
    this.certificates = certificates;
  }

  async take(): Promise<Listener> {
    const listener = this.#free.pop() ?? (await listen(this.certificates));
    listener.server.off('request', cut);
    return listener;
  }

  giveBack(listener: Listener): void {
    // No cluster answers there until the next one starts: a request must not wait for that.
    listener.server.on('request', cut);
    this.#free.push(listener);
  }

  /** Closes the ports that were released, and every connection to them. */
  async close(): Promise<void> {
    await Promise.all(this.#free.splice(0).map(({ server }) => close(server)));
  }
}

const cut = (_: IncomingMessage, response: ServerResponse) => response.destroy();

async function listen({ certificate, key }: Certificates): Promise<Listener> {
  const server = createServer({ cert: certificate, key, keepAliveTimeout: 120_000 });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return { server, endpoint: `https://127.0.0.1:${portOf(server.address())}` };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a TCP port');
  return address.port;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
    // The HTTP server does not know connections in their TLS handshake yet, and would keep them alive for two minutes.
    server.on('secureConnection', (socket) => socket.destroy());
  });
}
