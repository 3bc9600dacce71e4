import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { IPVS_SCHEDULERS, type ProxyMode } from '../../functions/core/modes/proxy-mode.ts';
import { EXIT, UsageError } from '../exit.ts';
import { unreadable } from '../json-file.ts';
import { pasteable } from '../terminal/paste.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface VerifyOptions {
  serviceCidr: string;
  scheduler: string;
}

const EXAMPLES = pasteable(`
Examples:
  sudo ipvsadm -Ln | $ nightshift verify --service-cidr 10.100.0.0/16 --scheduler rr
  $ nightshift verify --service-cidr fd12:3456::/108 --scheduler lc ipvsadm.txt

Reads ipvsadm -L, ipvsadm -Ln, /proc/net/ip_vs, or the output of the document nightshift-validate-node. It must have
virtual servers of the API server (first address of the service CIDR) on TCP 443 and of DNS (tenth address) on TCP 53 and
UDP 53, each with the scheduler and at least one real server with weight > 0. Exit code 0 pass, 1 fail, 2 if the
arguments or the text are wrong.`);

const NEXT = 'give the whole output, unchanged, of ipvsadm -Ln, /proc/net/ip_vs or nightshift-validate-node';

/** `nightshift verify`: judges one node's IPVS tables, offline. */
export function addVerify(program: Command, terminal: Terminal): void {
  program
    .command('verify')
    .summary('judge a node by its ipvsadm output')
    .description(
      "Judges one node by its IPVS tables, offline: the API server's and DNS's virtual servers must be there.",
    )
    .argument('[file]', 'the output to read; - or nothing reads stdin')
    .addOption(
      new Option('--mode <mode>', 'the mode that the node should run: ipvs').default('ipvs').argParser(readableMode),
    )
    .requiredOption('--service-cidr <cidr>', "the cluster's service CIDR, IPv4 or IPv6")
    .addOption(
      new Option('--scheduler <scheduler>', 'the IPVS scheduler that the node should use')
        .choices(IPVS_SCHEDULERS)
        .makeOptionMandatory(),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (file: string | undefined, options: VerifyOptions) => {
      await checkCidr(options.serviceCidr);
      const output = await readOutput(file, terminal);
      const { pass, reasons, virtualServers, apiServer, dns } = await judge(output, options);
      terminal.out(JSON.stringify({ pass, reasons, virtualServers, apiServer, dns }));
      process.exitCode = pass ? EXIT.ok : EXIT.failed;
    });
}

/** The output that `verify` reads; null if it cannot judge the mode offline. */
const READ: Record<ProxyMode, string | null> = {
  iptables: null,
  ipvs: 'ipvsadm -L, ipvsadm -Ln, /proc/net/ip_vs or what nightshift-validate-node printed',
};
const READABLE = Object.entries(READ).flatMap(([mode, what]) => (what === null ? [] : [{ mode, what }]));

/** Refuses another mode before commander asks for options that only a readable mode has. */
function readableMode(mode: string): string {
  if (READABLE.some((each) => each.mode === mode)) return mode;
  const judged = READABLE.map((each) => `${each.mode} only, by ${each.what}`).join('; ');
  throw new UsageError(`verify judges the mode ${judged}, and not ${mode}`);
}

/** Runs before any input is read: otherwise a person would type the whole input first. @throws UsageError */
async function checkCidr(cidr: string): Promise<void> {
  const { serviceAddresses } = await import('../../functions/core/values/cluster-ip.ts');
  try {
    serviceAddresses(cidr);
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    throw new UsageError(`--service-cidr is wrong: ${cause.message}`, {
      nextStep: "give the cluster's: aws eks describe-cluster --name CLUSTER --query cluster.kubernetesNetworkConfig",
      cause,
    });
  }
}

async function readOutput(file: string | undefined, terminal: Terminal): Promise<string> {
  if (file !== undefined && file !== '-') {
    try {
      return readFileSync(file, 'utf8');
    } catch (cause) {
      throw new UsageError(`cannot read ${file}: ${unreadable(cause)}`, { cause });
    }
  }
  if (process.stdin.isTTY) terminal.err('nightshift: reads ipvsadm output from the terminal (stdin), Ctrl-D ends it');
  return text(process.stdin);
}

async function judge(output: string, options: VerifyOptions) {
  const { verifyTables } = await import('../../functions/core/evidence/verify.ts');
  const { UnparseableOutput } = await import('../../functions/core/modes/ipvs-tables.ts');
  const { InvalidRequest } = await import('../../functions/core/errors.ts');
  // Even without any virtual server ipvsadm prints a header: an empty input means that the command before the pipe
  // failed.
  if (output.trim() === '') throw new UsageError('there is nothing to judge: the input is empty', { nextStep: NEXT });
  try {
    return verifyTables(output, options);
  } catch (cause) {
    if (cause instanceof InvalidRequest) throw new UsageError(cause.message, { cause });
    if (!(cause instanceof UnparseableOutput)) throw cause;
    throw new UsageError(cause.message, { nextStep: NEXT, cause });
  }
}
