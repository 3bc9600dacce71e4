import type { IncomingHttpHeaders } from 'node:http';

/**
 * Names under which this machine's loopback is reached, and a bucket's name in front of one (`bucket.localhost`). No
 * name server can lead one of them elsewhere: browsers resolve `*.localhost` themselves and take no name that ends in a
 * number.
 */
const OWN_HOST = /^(?:[a-z0-9-][a-z0-9.-]*\.)?(?:localhost|127\.0\.0\.1)(?::\d{1,5})?$|^\[::1\](?::\d{1,5})?$/i;

/** The values of `Sec-Fetch-Site` for requests of a page of the same origin or of the person. */
const OWN_SITES: ReadonlySet<string> = new Set(['same-origin', 'none']);

/**
 * Why a request is not answered; null when it is for the sandbox and no page of another origin has sent it. A page whose
 * name was led to this machine (DNS rebinding) shows its name in `Host`; one that simply sends requests to 127.0.0.1
 * shows itself in `Origin` or `Sec-Fetch-Site`. Programs send neither of the two.
 * https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
 */
export function strangeRequest(headers: IncomingHttpHeaders, scheme: 'http' | 'https'): string | null {
  const { host, origin } = headers;
  if (host === undefined || !OWN_HOST.test(host))
    return `the sandbox answers for localhost and 127.0.0.1, not for the host ${JSON.stringify(host ?? '')}`;
  if (origin !== undefined && origin !== `${scheme}://${host}`)
    return `the sandbox answers no page of another origin: ${JSON.stringify(origin)}`;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && !(typeof site === 'string' && OWN_SITES.has(site)))
    return `the sandbox answers no page of another site: Sec-Fetch-Site is ${JSON.stringify(site)}`;
  return null;
}
