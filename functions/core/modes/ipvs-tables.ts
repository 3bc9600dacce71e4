import { canonicalAddress } from '../values/cluster-ip.ts';

/** One IPVS service. */
export interface VirtualServer {
  protocol: 'TCP' | 'UDP' | 'SCTP' | 'FWM';
  /** IP address in canonical form; the name where it tells no address; the firewall mark of a FWM service. */
  address: string;
  /** null: none (FWM), or not readable because the name was cut or is that of `service`. */
  port: number | null;
  /** A port given by a service name that this parser has no number for. */
  service?: string;
  scheduler: string;
  /** As printed, one option each: `persistent 10800`, `ops`, `(sh-port)`, `mask 255.255.255.0`. */
  flags: string[];
  realServers: RealServer[];
}

/** One destination behind a service. */
export interface RealServer {
  address: string;
  port: number | null;
  service?: string;
  forward: 'Masq' | 'Route' | 'Tunnel' | 'Local';
  weight: number;
  activeConnections: number;
  inactiveConnections: number;
}

/** Which program printed: `/proc/net/ip_vs` has ports in hex, ipvsadm in decimal or by name. */
export type Dialect = 'ipvsadm' | 'proc';

/** A line that is not understood. Never a pass: truncated or foreign output ends here. */
export class UnparseableOutput extends Error {
  override readonly name = 'UnparseableOutput';
  /** From 1. */
  readonly lineNumber: number;
  readonly line: string;
  /** The rule that it breaks. */
  readonly rule: string;

  constructor(lineNumber: number, line: string, rule: string) {
    const shown = line.length > 120 ? `${line.slice(0, 117)}...` : line;
    super(`Line ${lineNumber} is not understood (${rule}): ${JSON.stringify(shown)}`);
    this.lineNumber = lineNumber;
    this.line = line;
    this.rule = rule;
  }
}

// Every scheduler that Linux has: /net/netfilter/ipvs/Kconfig.
const SCHEDULERS = new Set('rr wrr lc wlc fo ovf lblc lblcr dh sh mh sed nq twos'.split(' '));
const SERVICE_PORTS = new Map(
  Object.entries({ domain: 53, http: 80, https: 443, 'http-alt': 8080, webcache: 8080, ssh: 22, smtp: 25, ntp: 123 }),
);
// ipvsadm without -n cuts an IPv4 endpoint, `name:port`, after 28 characters (measured with 1.31; print_service_entry in
// https://git.kernel.org/pub/scm/utils/kernel/ipvsadm/ipvsadm.git/tree/ipvsadm.c). An IPv6 endpoint, `[name]:port`, ends
// where its buffer does: addrport_to_anyname in the same file.
const FIELD = 28;
const IPV6_FIELD = 59;
// The sample in the EKS best practices was edited to a width of 24: tables that people paste may be as narrow.
const NARROWEST_FIELD = 24;
const BYTE_ORDER_MARK = 0xfeff;
const HEADER = /^IP Virtual Server version \d+\.\d+\.\d+ \(size=\d+\)$/;
const LOCAL_HEADER = 'Prot LocalAddress:Port Scheduler Flags';
const REMOTE_HEADER = '-> RemoteAddress:Port Forward Weight ActiveConn InActConn';

type Endpoint = { address: string; port: number | null; service?: string };

/** How a text is read. `dialect` settles what IPv6 lines without titles leave open. */
export interface Reading {
  dialect: Dialect | null;
  /** `refused`: the text comes from `ipvsadm -Ln` or the kernel, so that a name in it means another source. */
  names: 'resolved' | 'refused';
}

/** A parser's state over the lines of one text. */
class TableReader {
  readonly servers: VirtualServer[] = [];
  #dialect: Dialect | null;
  readonly #names: Reading['names'];
  readonly #text: string;
  /** Endpoints that fill a field narrower than ipvsadm's, and the width that a name without a port shows. */
  readonly #narrow: { endpoint: Endpoint; width: number }[] = [];
  readonly #widths = new Set<number>();
  #lineNumber = 0;
  #start = 0;
  #end = 0;
  #expects: 'local' | 'remote' | null = null;

  constructor(text: string, { dialect, names }: Reading) {
    this.#text = text;
    this.#dialect = dialect;
    this.#names = names;
  }

  /** The next line: text[start, end). */
  read(start: number, end: number): void {
    this.#lineNumber += 1;
    this.#start = start;
    this.#end = end;
    const words = wordsOf(this.#text, start, end);
    const [first] = words;
    if (first === undefined) return;
    if (this.#expects !== null || first === 'IP' || first === 'Prot') this.#header(words.join(' '));
    else if (first === '->') {
      if (words[1] === 'RemoteAddress:Port') throw this.#refusal('the column titles before it are missing');
      this.#realServer(words);
    } else if (first === 'TCP' || first === 'UDP' || first === 'SCTP') this.#service(first, words);
    else if (first === 'FWM') this.#mark(words);
    else throw this.#refusal('it is not a line of ipvsadm -L, ipvsadm -Ln or /proc/net/ip_vs');
  }

  end(): VirtualServer[] {
    if (this.#expects !== null) {
      this.#lineNumber += 1;
      this.#start = this.#end;
      throw this.#refusal('the column titles are cut off');
    }
    // Some name was cut at this width before its port, so a port that ends at it may have lost its end.
    for (const { endpoint, width } of this.#narrow) {
      if (!this.#widths.has(width)) continue;
      endpoint.port = null;
      delete endpoint.service;
    }
    return this.servers;
  }

  #refusal(rule: string): UnparseableOutput {
    return new UnparseableOutput(this.#lineNumber, this.#text.slice(this.#start, this.#end), rule);
  }

  #header(text: string): void {
    if (this.#expects === null && HEADER.test(text)) this.#expects = 'local';
    else if (this.#expects !== 'remote' && text === LOCAL_HEADER) this.#expects = 'remote';
    else if (this.#expects === 'remote' && text === REMOTE_HEADER) {
      this.#expects = null;
      // The kernel prints single spaces between the titles, ipvsadm aligns them.
      this.#speak(this.#text.slice(this.#start, this.#end).includes('RemoteAddress:Port Forward') ? 'proc' : 'ipvsadm');
    } else throw this.#refusal('the column titles are cut off or not known');
  }

  #speak(dialect: Dialect): void {
    this.#dialect ??= dialect;
    if (this.#dialect !== dialect)
      throw this.#refusal(`it is written as by ${dialect} among lines of ${this.#dialect}`);
  }

  #service(protocol: 'TCP' | 'UDP' | 'SCTP', words: string[]): void {
    const [, endpoint, scheduler] = words;
    const options = words.length > 3 ? words.slice(3) : [];
    if (endpoint === undefined || scheduler === undefined)
      throw this.#refusal('a service has an address and a scheduler');
    const found = this.#endpoint(endpoint);
    const server: VirtualServer = { protocol, ...found, scheduler, flags: this.#flags(options), realServers: [] };
    this.#noteNarrow(server, endpoint);
    this.#add(server);
  }

  #mark(words: string[]): void {
    const [, mark, ...more] = words;
    const [scheduler, ...options] = more[0] === 'IPv6' ? more.slice(1) : more;
    if (mark === undefined || scheduler === undefined) throw this.#refusal('a FWM service has a mark and a scheduler');
    const hex = this.#dialect === 'proc' || (this.#dialect === null && /^0[0-9A-F]{7}$/.test(mark));
    if (hex ? !/^[0-9A-F]{8}$/.test(mark) : !/^[1-9]\d{0,9}$/.test(mark))
      throw this.#refusal('a firewall mark is a number');
    if (hex) this.#speak('proc');
    const address = String(Number.parseInt(mark, hex ? 16 : 10));
    this.#add({ protocol: 'FWM', address, port: null, scheduler, flags: this.#flags(options), realServers: [] });
  }

  #add(server: VirtualServer): void {
    if (!SCHEDULERS.has(server.scheduler)) throw this.#refusal(`Linux has no IPVS scheduler ${server.scheduler}`);
    this.servers.push(server);
  }

  #flags(words: string[]): string[] {
    const flags: string[] = [];
    for (let index = 0; index < words.length; index += 1) {
      const word = words[index] ?? '';
      const next = words[index + 1] ?? '';
      if (word === 'ops' || /^\([a-z0-9-]+(,[a-z0-9-]+)*\)$/.test(word)) flags.push(word);
      else if (word === 'persistent' && /^\d+$/.test(next)) {
        index += 1;
        const mask = words[index + 1] ?? '';
        // The kernel's own table puts the netmask behind the timeout, in hex and without a word.
        if (this.#dialect === 'proc' && /^[0-9A-Fa-f]{8}$/.test(mask)) index += 1;
        flags.push(`persistent ${next}`);
      } else if ((word === 'mask' && /^[\d.]+$/.test(next)) || (word === 'pe' && /^[a-z0-9]+$/.test(next))) {
        index += 1;
        flags.push(`${word} ${next}`);
      } else throw this.#refusal(`the option ${JSON.stringify(word)} is not known, or cut off`);
    }
    return flags;
  }

  #realServer(words: string[]): void {
    const server = this.servers.at(-1);
    if (server === undefined) throw this.#refusal('a real server before any service');
    const [, endpoint, forward, weight, active, inactive] = words;
    if (words.length !== 6 || endpoint === undefined) throw this.#refusal('a real server has five columns');
    if (forward !== 'Masq' && forward !== 'Route' && forward !== 'Tunnel' && forward !== 'Local')
      throw this.#refusal('the forwarding method is Masq, Route, Tunnel or Local');
    const real: RealServer = {
      ...this.#endpoint(endpoint),
      forward,
      weight: this.#count(weight),
      activeConnections: this.#count(active),
      inactiveConnections: this.#count(inactive),
    };
    this.#noteNarrow(real, endpoint);
    server.realServers.push(real);
  }

  #count(word: string | undefined): number {
    const value = word === undefined ? -1 : wholeNumber(word);
    if (value < 0) throw this.#refusal('weights and connections are numbers');
    return value;
  }

  #noteNarrow(endpoint: Endpoint, word: string): void {
    const { length } = word;
    if (word.startsWith('[')) return;
    if (length >= NARROWEST_FIELD && length < FIELD) this.#narrow.push({ endpoint, width: length });
  }

  #endpoint(word: string): Endpoint {
    const colon = word.lastIndexOf(':');
    const address = colon < 0 ? word : word.slice(0, colon);
    const port = colon < 0 ? '' : word.slice(colon + 1);
    if (word.startsWith('[')) return this.#ipv6(word, address, port);
    if (word.length === 13 && /^[0-9A-F]{8}:[0-9A-F]{4}$/.test(word)) {
      this.#speak('proc');
      const octets = [0, 2, 4, 6].map((index) => Number.parseInt(address.slice(index, index + 2), 16));
      return { address: octets.join('.'), port: Number.parseInt(port, 16) };
    }
    this.#speak('ipvsadm');
    if (canonicalAddress(address) !== null) return this.#with(address, word, port);
    return this.#named(word, address, port, colon >= 0);
  }

  #ipv6(word: string, bracketed: string, port: string): Endpoint {
    const inner = bracketed.endsWith(']') ? bracketed.slice(1, -1) : '';
    const address = inner.includes(':') ? canonicalAddress(inner) : null;
    if (address === null) return this.#namedIpv6(word);
    // The kernel prints eight groups of four digits; ipvsadm never prints a group's leading zero.
    const full = inner.length === 39 && !inner.includes('::');
    if (full && /(^|:)0/.test(inner)) this.#speak('proc');
    else if (!full) this.#speak('ipvsadm');
    if (this.#dialect === null) throw this.#refusal('without column titles nobody knows whether the port is hex');
    if (this.#dialect === 'ipvsadm') return this.#with(address, word, port);
    if (!/^[0-9A-F]{4}$/.test(port)) throw this.#refusal('a port in /proc/net/ip_vs has four hex digits');
    return { address, port: Number.parseInt(port, 16) };
  }

  /** `[i-0123.us-west-2.compute.internal]:https`: an IPv6 address whose name `ipvsadm -L` resolved. */
  #namedIpv6(word: string): Endpoint {
    const [, name = '', port] = /^\[([A-Za-z0-9_][A-Za-z0-9._-]*)(?:\](?::([A-Za-z0-9-]*))?)?$/.exec(word) ?? [];
    const isCut = word.length === IPV6_FIELD;
    if (!/[A-Za-z]/.test(name) || (port === undefined && !isCut))
      throw this.#refusal('an IPv6 address in brackets is cut off: print it with ipvsadm -Ln');
    this.#speak('ipvsadm');
    this.#refuseName(word);
    return isCut ? { address: name, port: null } : this.#with(name, word, port ?? '');
  }

  /** A whole number or the name of a service; the port of a word that fills its field may have lost its end. */
  #with(address: string, word: string, port: string): Endpoint {
    const number = wholeNumber(port);
    const isCut = word.length === FIELD && !word.startsWith('[');
    if (number < 0 || isCut) this.#refuseName(word);
    if (number > 65_535) throw this.#refusal('a port is at most 65535');
    if (port !== '' && !/^[a-z0-9][a-z0-9-]*$/i.test(port))
      throw this.#refusal('a port is a number or the name of a service');
    if (isCut) return { address, port: null };
    if (number >= 0) return { address, port: number };
    if (port === '') throw this.#refusal('the port is missing');
    const known = SERVICE_PORTS.get(port);
    return known === undefined ? { address, port: null, service: port } : { address, port: known };
  }

  /** `ip-10-100-0-1.us-east-1.com`: what `ipvsadm -L` leaves of a name that it resolved. */
  #named(word: string, name: string, port: string, hasPort: boolean): Endpoint {
    this.#refuseName(word);
    if (!/^[A-Za-z0-9_]([A-Za-z0-9._-]*)$/.test(name) || !/[A-Za-z]/.test(name))
      throw this.#refusal('an address is an IP address or the name of a host');
    const octets = /^ip-(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})(?:\.|$)/.exec(name);
    const address = (octets && canonicalAddress(octets.slice(1).map(Number).join('.'))) ?? name;
    if (hasPort && (port !== '' || word.length === FIELD)) return this.#with(address, word, port);
    if (word.length < NARROWEST_FIELD || word.length > FIELD) throw this.#refusal('the port is missing');
    this.#widths.add(word.length);
    return { address, port: null };
  }

  #refuseName(word: string): void {
    if (this.#names === 'refused')
      throw this.#refusal(`${JSON.stringify(word)} is a name, where numbers are printed (ipvsadm -Ln)`);
  }
}

/**
 * Words between spaces and tabs of text[start, end); by hand, since splitting is most of the time that a table of
 * 100,000 lines takes.
 */
function wordsOf(text: string, start: number, end: number): string[] {
  const words: string[] = [];
  let from = -1;
  for (let index = start; index < end; index += 1) {
    const code = text.charCodeAt(index);
    const space = code === 32 || code === 9;
    if (space && from >= 0) {
      words.push(text.slice(from, index));
      from = -1;
    } else if (!space && from < 0) from = index;
  }
  if (from >= 0) words.push(text.slice(from, end));
  return words;
}

/** A whole number of at most ten digits, or -1. */
function wholeNumber(word: string): number {
  if (word.length === 0 || word.length > 10) return -1;
  let value = 0;
  for (let index = 0; index < word.length; index += 1) {
    const digit = word.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/**
 * Reads the tables that `ipvsadm -L`, `ipvsadm -Ln` and /proc/net/ip_vs print, in one pass. Several tables in a row are
 * read as one, each may begin with a byte order mark; the column titles may be missing, but not in part. No text gives no
 * services, which proves nothing.
 * @throws UnparseableOutput with the number of the first line that is not understood
 */
export function parseTables(
  text: string,
  { dialect = null, names = 'resolved' }: Partial<Reading> = {},
): VirtualServer[] {
  const reader = new TableReader(text, { dialect, names });
  for (let start = 0; start <= text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const first = text.charCodeAt(start) === BYTE_ORDER_MARK ? start + 1 : start;
    reader.read(first, end > first && text.charCodeAt(end - 1) === 13 ? end - 1 : end);
    start = end + 1;
  }
  return reader.end();
}
