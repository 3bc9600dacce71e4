import { InvalidRequest } from '../errors.ts';
import { findExpected } from '../modes/ipvs-expected.ts';
import { parseTables, type VirtualServer } from '../modes/ipvs-tables.ts';
import { findElements, type MapElement, parseMaps } from '../modes/nftables-maps.ts';
import { IPVS_SCHEDULERS, isIpvsScheduler } from '../modes/proxy-mode.ts';
import { serviceAddresses } from '../values/cluster-ip.ts';
import { judgeValidateOutput, parseValidateOutput, VALIDATE_FIRST_LINE } from './validate-output.ts';

/** What `nightshift verify --mode nftables` prints as JSON. */
export interface MapVerification {
  pass: boolean;
  reasons: string[];
  elements: number;
  apiServer: MapElement | null;
  dns: MapElement[];
}

/** What `nightshift verify` prints as JSON for IPVS. */
export interface Verification {
  pass: boolean;
  reasons: string[];
  virtualServers: number;
  apiServer: VirtualServer | null;
  dns: VirtualServer[];
}

/**
 * Verifies the text that a node printed: `ipvsadm -L`, `ipvsadm -Ln`, /proc/net/ip_vs, or the validate document's
 * output, which is recognized by its first line and judged whole.
 * @throws InvalidRequest for a CIDR or scheduler that breaks its rule
 * @throws UnparseableOutput for a line that cannot be parsed, or output that is cut off
 */
export function verifyTables(text: string, expectation: { serviceCidr: string; scheduler: string }): Verification {
  const { scheduler } = expectation;
  if (!isIpvsScheduler(scheduler))
    throw new InvalidRequest(`scheduler must be one of ${IPVS_SCHEDULERS.join(', ')}, but it is "${scheduler}".`);
  const { apiServer, dns } = serviceAddresses(expectation.serviceCidr);
  const document = text.replace(/^\uFEFF/, '').trimStart();
  if (document.startsWith(VALIDATE_FIRST_LINE)) {
    const { servers, facts } = parseValidateOutput(document);
    const proxying = { mode: 'ipvs', scheduler } as const;
    const verdict = judgeValidateOutput({ id: 'node', name: 'node' }, document, { proxying, apiServer, dns });
    const found = findExpected(servers, { apiServer, dns, scheduler });
    return {
      pass: verdict.pass,
      reasons: verdict.reasons,
      virtualServers: facts.virtualServers,
      apiServer: found.apiServer,
      dns: found.dns,
    };
  }
  const servers = parseTables(text);
  const found = findExpected(servers, { apiServer, dns, scheduler });
  return {
    pass: found.problems.length === 0,
    reasons: [...found.problems, ...found.notes],
    virtualServers: servers.length,
    apiServer: found.apiServer,
    dns: found.dns,
  };
}

/**
 * Verifies the text that a node in nftables mode printed: `nft list map ip kube-proxy service-ips`, or the validate
 * document's output, which is recognized by its first line and judged whole.
 * @throws InvalidRequest for a CIDR that breaks its rule
 * @throws UnparseableOutput for a line that cannot be parsed, or output that is cut off
 */
export function verifyMaps(text: string, expectation: { serviceCidr: string }): MapVerification {
  const services = serviceAddresses(expectation.serviceCidr);
  const document = text.replace(/^\uFEFF/, '').trimStart();
  const isDocument = document.startsWith(VALIDATE_FIRST_LINE);
  const elements = isDocument ? parseValidateOutput(document).elements : parseMaps(text);
  const { apiServer, dns, problems } = findElements(elements, services);
  const found = { elements: elements.length, apiServer, dns };
  if (!isDocument) return { pass: problems.length === 0, reasons: problems, ...found };
  const expected = { proxying: { mode: 'nftables' }, ...services } as const;
  const { pass, reasons } = judgeValidateOutput({ id: 'node', name: 'node' }, document, expected);
  return { pass, reasons, ...found };
}
