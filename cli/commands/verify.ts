import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { IPVS_SCHEDULERS, type ProxyMode } from '../../functions/core/modes/proxy-mode.ts';
import { EXIT, UsageError } from '../exit.ts';
import { unreadable } from '../json-file.ts';
import { pasteable } from '../terminal/paste.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface VerifyOptions {
  mode: ProxyMode;
  serviceCidr: string;
  scheduler?: string;
}

const EXAMPLES = pasteable(`
Examples:
  sudo ipvsadm -Ln | $ nightshift verify --service-cidr 10.100.0.0/16 --scheduler rr
  $ nightshift verify --service-cidr fd12:3456::/108 --scheduler lc ipvsadm.txt
  sudo nft list map ip kube-proxy service-ips | $ nightshift verify --mode nftables --service-cidr 10.100.0.0/16

For ipvs it reads ipvsadm -L, ipvsadm -Ln, /proc/net/ip_vs, or the output of the document nightshift-validate-node. It must have
virtual servers of the API server (first address of the service CIDR) on TCP 443 and of DNS (tenth address) on TCP 53 and
UDP 53, each with the scheduler and at least one real server with weight > 0. For nftables it reads the map service-ips
of kube-proxy's table, as nft lists it, or the document's output: it must have elements for the same three.
Exit code 0 pass, 1 fail, 2 if the arguments or the text are wrong.`);

/** `nightshift verify`: judges one node's tables, offline. */
export function addVerify(program: Command, terminal: Terminal): void {
  program
    .command('verify')
    .summary('judge a node by what ipvsadm or nft printed')
    .description('Judges one node by its tables, offline: those of the API server and of DNS must be there.')
    .argument('[file]', 'the output to read; - or nothing reads stdin')
    .addOption(
      new Option('--mode <mode>', `the mode that the node should run: ${READABLE.map(({ mode }) => mode).join(' or ')}`)
        .default('ipvs')
        .argParser(readableMode),
    )
    .requiredOption('--service-cidr <cidr>', "the cluster's service CIDR, IPv4 or IPv6")
    .addOption(
      new Option('--scheduler <scheduler>', 'the IPVS scheduler that the node should use; needed for ipvs').choices(
        IPVS_SCHEDULERS,
      ),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (file: string | undefined, options: VerifyOptions) => {
      await checkScheduler(options);
      await checkCidr(options.serviceCidr);
      const output = await readOutput(file, terminal, options.mode);
      const verification = await judge(output, options);
      terminal.out(JSON.stringify(verification));
      process.exitCode = verification.pass ? EXIT.ok : EXIT.failed;
    });
}

type Verify = typeof import('../../functions/core/evidence/verify.ts');

/** How `verify` judges a mode: the output that it reads, and by what. */
interface Judged {
  what: string;
  by(
    verify: Verify,
    output: string,
    options: VerifyOptions,
  ): Awaited<ReturnType<Verify['verifyTables' | 'verifyMaps']>>;
}

/** Null for a mode that cannot be judged offline. */
const JUDGED: Record<ProxyMode, Judged | null> = {
  iptables: null,
  ipvs: {
    what: 'ipvsadm -L, ipvsadm -Ln, /proc/net/ip_vs or what nightshift-validate-node printed',
    by: ({ verifyTables }, output, { serviceCidr, scheduler = '' }) => verifyTables(output, { serviceCidr, scheduler }),
  },
  nftables: {
    what: 'nft list map ip kube-proxy service-ips or what nightshift-validate-node printed',
    by: ({ verifyMaps }, output, { serviceCidr }) => verifyMaps(output, { serviceCidr }),
  },
};
const READABLE = Object.entries(JUDGED).flatMap(([mode, judged]) => (judged === null ? [] : [{ mode, ...judged }]));

/** Refuses another mode before commander asks for options that only a readable mode has. */
function readableMode(mode: string): string {
  if (READABLE.some((each) => each.mode === mode)) return mode;
  const judged = READABLE.map((each) => `${each.mode} by ${each.what}`).join(', and ');
  throw new UsageError(`verify does not judge the mode ${mode}, but ${judged}`);
}

/** @throws UsageError */
async function checkScheduler({ mode, scheduler }: VerifyOptions): Promise<void> {
  const { MODES } = await import('../../functions/core/modes/index.ts');
  const has = 'scheduler' in MODES[mode].usual;
  if (has && scheduler === undefined) throw new UsageError("required option '--scheduler <scheduler>' not specified");
  if (!has && scheduler !== undefined)
    throw new UsageError(`--scheduler does not apply: mode ${mode} has no scheduler`);
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

async function readOutput(file: string | undefined, terminal: Terminal, mode: ProxyMode): Promise<string> {
  if (file !== undefined && file !== '-') {
    try {
      return readFileSync(file, 'utf8');
    } catch (cause) {
      throw new UsageError(`cannot read ${file}: ${unreadable(cause)}`, { cause });
    }
  }
  if (process.stdin.isTTY)
    terminal.err(`nightshift: reads ${JUDGED[mode]?.what} from the terminal (stdin), Ctrl-D ends it`);
  return text(process.stdin);
}

async function judge(output: string, options: VerifyOptions) {
  const verify = await import('../../functions/core/evidence/verify.ts');
  const { UnparseableOutput } = await import('../../functions/core/modes/ipvs-tables.ts');
  const { InvalidRequest } = await import('../../functions/core/errors.ts');
  const judged = JUDGED[options.mode];
  if (judged === null) throw new UsageError(`verify does not judge the mode ${options.mode}`);
  const nextStep = `give the whole output, unchanged, of ${judged.what}`;
  // Even without any virtual server ipvsadm prints a header: an empty input means that the command before the pipe
  // failed.
  if (output.trim() === '') throw new UsageError('there is nothing to judge: the input is empty', { nextStep });
  try {
    return judged.by(verify, output, options);
  } catch (cause) {
    if (cause instanceof InvalidRequest) throw new UsageError(cause.message, { cause });
    if (!(cause instanceof UnparseableOutput)) throw cause;
    throw new UsageError(cause.message, { nextStep, cause });
  }
}
