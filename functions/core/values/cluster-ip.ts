import ipaddr from 'ipaddr.js';
import { InvalidRequest } from '../errors.ts';

/** The two ClusterIPs that every cluster has. */
export interface ServiceAddresses {
  apiServer: string;
  dns: string;
  family: 'ipv4' | 'ipv6';
}

function parse(serviceCidr: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  try {
    // ipaddr.js also reads '10.1/16' and '0x0a.0.0.0/8'; a service CIDR is never written so.
    const whole = serviceCidr.includes(':') || /^\d{1,3}(\.\d{1,3}){3}\/\d+$/.test(serviceCidr);
    if (whole) return ipaddr.parseCIDR(serviceCidr);
  } catch {
    // Falls through to the one sentence below: the library's own message names no field.
  }
  throw new InvalidRequest(
    `serviceCidr must be an IPv4 or IPv6 CIDR such as 10.100.0.0/16, but it is "${serviceCidr}".`,
  );
}

/**
 * The ClusterIPs of the API server (first address of the service CIDR) and of cluster DNS (tenth), as EKS assigns them;
 * IPv6 in RFC 5952 form.
 * https://docs.aws.amazon.com/eks/latest/best-practices/ipvs.html
 * @throws InvalidRequest when the text is no CIDR, or the range has no tenth address
 */
export function serviceAddresses(serviceCidr: string): ServiceAddresses {
  const [address, prefix] = parse(serviceCidr.trim());
  const bits = address.kind() === 'ipv4' ? 32 : 128;
  if (bits - prefix < 4)
    throw new InvalidRequest(
      `serviceCidr must be /${bits - 4} or larger to hold a tenth address, but it is /${prefix}.`,
    );
  const bytes = address.toByteArray();
  const nth = (offset: number): string => {
    const shifted = bytes.map((byte, index) => {
      const kept = Math.min(Math.max(prefix - index * 8, 0), 8);
      return byte & (0xff << (8 - kept)) & 0xff;
    });
    // The last four bits are free (checked above), so the offset never carries.
    shifted.push((shifted.pop() ?? 0) + offset);
    return canonical(ipaddr.fromByteArray(shifted));
  };
  return { apiServer: nth(1), dns: nth(10), family: address.kind() };
}

const canonical = (address: ipaddr.IPv4 | ipaddr.IPv6): string =>
  address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString();

/** Dotted decimal with four whole octets, and no leading zeros that some would read as octal. */
function isIpv4(text: string): boolean {
  let octets = 1;
  let value = -1;
  for (let index = 0; index < text.length; index += 1) {
    const digit = text.charCodeAt(index) - 48;
    if (digit === -2 && value >= 0) {
      octets += 1;
      value = -1;
    } else if (digit >= 0 && digit <= 9 && value !== 0) {
      value = value < 0 ? digit : value * 10 + digit;
      if (value > 255) return false;
    } else return false;
  }
  return octets === 4 && value >= 0;
}

/**
 * True for the shape that nearly every IPv6 address in a table has, already in RFC 5952 form: groups of one to four hex
 * digits in lower case without leading zeros, and at most one `::`, not at the start, for two groups or more.
 */
function isPlainIpv6(text: string): boolean {
  let groups = 0;
  let digits = 0;
  let gap = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 58) {
      if (digits === 0 && (gap || groups === 0)) return false;
      if (digits === 0) gap = true;
      digits = 0;
    } else if ((code >= 49 && code <= 57) || (code >= 97 && code <= 102) || (code === 48 && digits > 0)) {
      if (digits === 0) groups += 1;
      digits += 1;
      if (digits > 4) return false;
    } else return false;
  }
  if (digits === 0 && !text.endsWith('::')) return false;
  return gap ? groups <= 6 : groups === 8;
}

/**
 * One spelling for one address (RFC 5952 for IPv6), so that texts can be compared; null when the text is no address.
 * The common shapes are read by hand: a table of 100,000 lines has as many addresses, and the library takes 5 us each.
 */
export function canonicalAddress(text: string): string | null {
  if (!text.includes(':')) return isIpv4(text) ? text : null;
  if (isPlainIpv6(text)) return text;
  return ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text).toRFC5952String() : null;
}
