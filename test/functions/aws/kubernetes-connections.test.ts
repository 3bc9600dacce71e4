import { createServer } from 'node:https';
import { expect, test } from 'vitest';
import { kubernetes } from '../../../functions/aws/kubernetes.ts';
import { createCertificates } from '../../../sandbox/kubernetes/certificates.ts';

test('calls to one API server share TLS connections, and each bears its own token', async () => {
  const { authority, certificate, key } = await createCertificates();
  let connections = 0;
  const tokens: (string | undefined)[] = [];
  const server = createServer({ cert: certificate, key }, (request, response) => {
    tokens.push(request.headers.authorization);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end('{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}');
  });
  server.on('secureConnection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  const endpoint = {
    cluster: 'demo',
    url: `https://127.0.0.1:${address.port}`,
    certificateAuthority: Buffer.from(authority).toString('base64'),
  };
  const own = Array.from({ length: 10 }, (_, index) => `token-${index}`);
  try {
    for (const token of own) expect(await kubernetes(endpoint, token).kubeProxyPods()).toEqual([]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
  expect(tokens).toEqual(own.map((token) => `Bearer ${token}`));
  // The pool opens a second one when a call begins before the one before it is quite over.
  expect(connections).toBeLessThanOrEqual(2);
});
