import ipaddr from 'ipaddr.js';

/** What EKS makes of a service CIDR. */
export interface ServiceNetwork {
  readonly family: 'ipv4' | 'ipv6';
  /** Of the Service `default/kubernetes`: the first address. */
  readonly apiServer: string;
  /** Of the Service `kube-system/kube-dns`: the tenth. */
  readonly dns: string;
  /** How many addresses there are, as far as a number counts. */
  readonly size: number;
  /** The nth address after the network's own. */
  nth(offset: number): string;
}

/**
 * Reads a service CIDR.
 * https://docs.aws.amazon.com/eks/latest/best-practices/ipvs.html
 *
 * @throws RangeError for a text that is not a CIDR, and for a range without a tenth address.
 */
export function serviceNetwork(cidr: string): ServiceNetwork {
  if (!/^(\d{1,3}(\.\d{1,3}){3}|[\da-fA-F:.]*:[\da-fA-F:.]*)\/\d+$/.test(cidr) || !ipaddr.isValidCIDR(cidr))
    throw new RangeError(`serviceCidr must be an IPv4 or IPv6 CIDR such as 10.100.0.0/16, but it is "${cidr}".`);
  const [address, prefix] = ipaddr.parseCIDR(cidr);
  const bits = address.toByteArray().length * 8;
  if (bits - prefix < 4)
    throw new RangeError(`serviceCidr must be /${bits - 4} or larger to hold a tenth address, but it is /${prefix}.`);
  const network = (bits === 32 ? ipaddr.IPv4 : ipaddr.IPv6).networkAddressFromCIDR(cidr).toByteArray();
  const nth = (offset: number): string => {
    const bytes = [...network];
    for (let index = bytes.length - 1, carry = offset; index >= 0 && carry > 0; index -= 1, carry >>= 8) {
      carry += bytes[index] ?? 0;
      bytes[index] = carry & 255;
    }
    const found = ipaddr.fromByteArray(bytes);
    return found instanceof ipaddr.IPv6 ? found.toRFC5952String() : found.toString();
  };
  return { family: bits === 32 ? 'ipv4' : 'ipv6', apiServer: nth(1), dns: nth(10), size: 2 ** (bits - prefix), nth };
}
