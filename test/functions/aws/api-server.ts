import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { type Certificates, createCertificates } from '@nightshift/sandbox/wire';
import type { ApiServerEndpoint } from '../../../functions/aws/kubernetes/request.ts';

/** A received request, with its body's text. */
export interface Asked {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface ScriptedServer {
  endpoint: ApiServerEndpoint;
  certificates: Certificates;
  asked: Asked[];
  /** The number of TLS handshakes. */
  handshakes: number;
  close(): void;
}

/** An HTTPS server with the test's answers, for answers that no API server should give. */
export async function scriptedServer(
  answer: (response: ServerResponse, asked: Asked) => void,
): Promise<ScriptedServer> {
  const certificates = await createCertificates();
  const server = createServer({ cert: certificates.certificate, key: certificates.key }, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const { method = '', url = '', headers } = request;
    const one = { method, url, headers, body: Buffer.concat(chunks).toString() };
    scripted.asked.push(one);
    answer(response, one);
  });
  // As long as kube-apiserver's, so that only the product closes connections in a test.
  server.keepAliveTimeout = 90_000;
  server.on('secureConnection', () => {
    scripted.handshakes += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  const scripted: ScriptedServer = {
    endpoint: {
      cluster: 'demo',
      url: `https://127.0.0.1:${address.port}`,
      certificateAuthority: Buffer.from(certificates.authority).toString('base64'),
    },
    certificates,
    asked: [],
    handshakes: 0,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return scripted;
}

/** Answers every request with this text. */
export const always =
  (text: string, status = 200) =>
  (response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  };

export const NO_PODS = '{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}';
