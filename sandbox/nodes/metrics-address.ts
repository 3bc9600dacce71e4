/** Where a kube-proxy listens for `/proxyMode`. */
export interface Listening {
  readonly host: string;
  readonly port: string;
}

/** What kube-proxy makes of `metricsBindAddress`: without a port it takes 10249, and not set is 127.0.0.1:10249. */
export function listening(text: string): Listening {
  if (text === '') return { host: '127.0.0.1', port: '10249' };
  const [, host, port] = /^(.*?)(?::(\d+))?$/.exec(text) ?? [];
  return { host: (host ?? '').replace(/^\[|\]$/g, ''), port: port ?? '10249' };
}

const ANY = ['', '0.0.0.0', '::'];

/** Whether a connection to this port, from another machine or from the node itself, finds kube-proxy there. */
export function hears({ host, port }: Listening, from: 'outside' | 'node', wanted: string): boolean {
  if (port !== wanted) return false;
  return ANY.includes(host) || (from === 'node' && ['127.0.0.1', '::1'].includes(host));
}
