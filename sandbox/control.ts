import type { IncomingMessage, ServerResponse } from 'node:http';
import { InvalidFault } from './faults.ts';
import type { LiveRegion } from './live-region.ts';

/**
 * The sandbox's own paths, beside AWS's: `GET /_sandbox/state`, `GET /_sandbox/calls`, `POST /_sandbox/faults`.
 * Answers false for a request that is not one of them.
 */
export function control(live: () => LiveRegion, request: IncomingMessage, response: ServerResponse): boolean {
  const { pathname } = new URL(request.url ?? '/', 'http://sandbox');
  if (!pathname.startsWith('/_sandbox/')) return false;
  respond(live(), `${request.method} ${pathname}`, request)
    .catch((error: unknown): Answer => {
      const known = error instanceof InvalidFault || error instanceof SyntaxError;
      return { status: known ? 400 : 500, body: { error: error instanceof Error ? error.message : String(error) } };
    })
    .then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify(body)}\n`);
    });
  return true;
}

interface Answer {
  status: number;
  body: unknown;
}

async function respond(live: LiveRegion, route: string, request: IncomingMessage): Promise<Answer> {
  switch (route) {
    case 'GET /_sandbox/state':
      return { status: 200, body: await live.state() };
    case 'GET /_sandbox/calls':
      return { status: 200, body: live.calls };
    case 'POST /_sandbox/faults':
      live.faults.add(JSON.parse(await text(request)));
      return { status: 200, body: { armed: true } };
    default:
      return { status: 404, body: { error: `${route}: there are GET state, GET calls and POST faults` } };
  }
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
