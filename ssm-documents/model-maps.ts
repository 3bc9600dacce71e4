import { createHash } from 'node:crypto';
import { endpointsOf, type ModelState } from '@nightshift/sandbox/nodes';
import { canonicalAddress } from '../functions/core/values/cluster-ip.ts';

/** A port of a Service as kube-proxy names it: `kube-system/kube-dns:dns`. */
export interface ServicePort {
  protocol: 'TCP' | 'UDP';
  address: string;
  port: number;
  namespace: string;
  name: string;
  portName: string;
}

const BASE_32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Eight characters of the SHA-256 in base 32: pkg/proxy/nftables/proxier.go, hashAndTruncate. */
function hash(text: string): string {
  const bits = [...createHash('sha256').update(text).digest().subarray(0, 5)]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('');
  return (bits.match(/.{5}/g) ?? []).map((five) => BASE_32.charAt(Number.parseInt(five, 2))).join('');
}

/** The elements of these ports in kube-proxy's maps, each behind the map's name, as validate-node.sh prints them. */
export function mapElements(
  { nftables }: Pick<ModelState, 'nftables'>,
  ports: readonly ServicePort[],
  isEmpty: (port: ServicePort) => boolean,
): string[] {
  const found = ports.flatMap((port) => {
    const endpoints = endpointsOf(nftables, port);
    return endpoints === null ? [] : [{ port, there: endpoints.length > 0 && !isEmpty(port) }];
  });
  return [...found.filter(({ there }) => there), ...found.filter(({ there }) => !there)].map(({ port, there }) => {
    const { namespace, name, portName } = port;
    const protocol = port.protocol.toLowerCase();
    const key = `${canonicalAddress(port.address) ?? port.address} . ${protocol} . ${port.port}`;
    const chain = `${namespace}/${name}/${protocol}/${portName}`;
    return there
      ? `service-ips ${key} : goto service-${hash(chain)}-${chain}`
      : `no-endpoint-services ${key} comment "${namespace}/${name}:${portName}" : goto reject-chain`;
  });
}
