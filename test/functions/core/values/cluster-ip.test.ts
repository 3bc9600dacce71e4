import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { InvalidRequest } from '../../../../functions/core/errors.ts';
import { canonicalAddress, serviceAddresses } from '../../../../functions/core/values/cluster-ip.ts';

describe('the ClusterIPs of the API server and DNS', () => {
  it.each([
    ['10.100.0.0/16', { apiServer: '10.100.0.1', dns: '10.100.0.10', family: 'ipv4' }],
    ['172.20.0.0/16', { apiServer: '172.20.0.1', dns: '172.20.0.10', family: 'ipv4' }],
    ['10.0.0.16/28', { apiServer: '10.0.0.17', dns: '10.0.0.26', family: 'ipv4' }],
    ['10.100.7.9/16', { apiServer: '10.100.0.1', dns: '10.100.0.10', family: 'ipv4' }],
    ['fd30:1c53:5f8a::/108', { apiServer: 'fd30:1c53:5f8a::1', dns: 'fd30:1c53:5f8a::a', family: 'ipv6' }],
    ['FD00::/108', { apiServer: 'fd00::1', dns: 'fd00::a', family: 'ipv6' }],
  ])('are the first and tenth address of %s', (cidr, expected) => {
    expect(serviceAddresses(cidr)).toEqual(expected);
  });

  it.each([
    ['10.100.0.0', 'serviceCidr must be an IPv4 or IPv6 CIDR such as 10.100.0.0/16, but it is "10.100.0.0".'],
    ['10.100/16', 'serviceCidr must be an IPv4 or IPv6 CIDR such as 10.100.0.0/16, but it is "10.100/16".'],
    ['10.100.0.0/33', 'serviceCidr must be an IPv4 or IPv6 CIDR such as 10.100.0.0/16, but it is "10.100.0.0/33".'],
    ['10.100.0.256/16', 'serviceCidr must be an IPv4 or IPv6 CIDR such as 10.100.0.0/16, but it is "10.100.0.256/16".'],
    ['10.100.0.0/29', 'serviceCidr must be /28 or larger to hold a tenth address, but it is /29.'],
    ['fd00::/126', 'serviceCidr must be /124 or larger to hold a tenth address, but it is /126.'],
  ])('are refused for %s, naming field and rule', (cidr, message) => {
    expect(() => serviceAddresses(cidr)).toThrow(new InvalidRequest(message));
  });

  it('have one spelling', () => {
    expect(canonicalAddress('FD00:0000:0:0::000A')).toBe('fd00::a');
    expect(canonicalAddress('10.0.0.1')).toBe('10.0.0.1');
    expect(canonicalAddress('10.1')).toBeNull();
    expect(canonicalAddress('node')).toBeNull();
    expect(canonicalAddress('010.0.0.1')).toBeNull();
    expect(canonicalAddress('1:2:3:4:5:6::7:8')).toBeNull();
    expect(canonicalAddress('1:2:3:4:5:6:7::')).toBe('1:2:3:4:5:6:7:0');
  });

  it('are spelt as RFC 5952 wants for any address, and that spelling stays', () => {
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const text = groups.map((value) => value.toString(16).padStart(4, '0')).join(':');
        const canonical = canonicalAddress(text);
        expect(canonical).toBe(ipaddr.IPv6.parse(text).toRFC5952String());
        expect(canonicalAddress(canonical ?? '')).toBe(canonical);
      }),
    );
  });
});
