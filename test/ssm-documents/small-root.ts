import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ssmDocuments } from '../../ssm-documents/documents.ts';

/** The programs that every node has. Other programs exist in a small root only if a test adds them. */
const PROGRAMS = [
  ...[
    'sh',
    'awk',
    'bash',
    'cat',
    'chmod',
    'cut',
    'date',
    'echo',
    'env',
    'flock',
    'grep',
    'head',
    'ls',
    'mkdir',
    'mv',
    'od',
    'printf',
  ],
  'paste',
  'rm',
  'sed',
  'sleep',
  'sort',
  'tail',
  'timeout',
  'touch',
  'tr',
  'true',
  'uname',
  'wc',
];

/** The parts of a node that a script sees. */
export interface SmallRoot {
  /** Files by absolute path; `/proc` and `/lib/modules` contain no others. `KERNEL` in a path, a
   * file or a program stands for the kernel's release. */
  files?: Record<string, string>;
  /** Shell programs by name, which replace programs of the node. */
  programs?: Record<string, string>;
  /** Programs that this node lacks. */
  without?: string[];
  /** Names of programs of this machine that the node has, besides those that every node has. */
  real?: readonly string[];
  /**
   * Shell commands that run in the root before the script, in the same new network namespace of this machine's kernel.
   * Processes that they start in the background end with the script.
   */
  before?: string;
  /** Shell commands that run there after the script; their output is `after`. */
  after?: string;
  readOnlyRun?: boolean;
  /** The number of sequential runs of the script. Default: one. */
  runs?: 1 | 2;
}

export interface Ran {
  exitCode: number | null;
  stdout: string;
  stderr: string;
  after: string;
  /** A file after the script ended; null if it does not exist. */
  file(path: string): string | null;
}

/** Whether this machine's own iptables works in a new network namespace. */
export const canFilter = (): boolean =>
  canMount() && spawnSync('unshare', ['-rmn', 'iptables-nft', '-t', 'nat', '-N', 'TRIED']).status === 0;

/** Whether this machine lets a test mount: it runs as root, or user namespaces are allowed. */
export const canMount = (): boolean => spawnSync('unshare', ['-rmpf', 'true']).status === 0;

const MOUNT = `
set -e
for libraries in /usr/lib/*-linux-gnu /usr/lib64; do
  [ ! -d "$libraries" ] || { mkdir -p "$ROOT$libraries" && mount --rbind "$libraries" "$ROOT$libraries"; }
done
for directory in bin sbin; do mount --rbind "/usr/$directory" "$ROOT/host/$directory"; done
mount --rbind /dev "$ROOT/dev"
if [ "$READ_ONLY" = yes ]; then
  mount --bind "$ROOT/run" "$ROOT/run"
  mount -o remount,bind,ro "$ROOT/run"
fi
in_root() { env -i PATH=/usr/sbin:/usr/bin chroot "$ROOT" /bin/sh "$1"; }
in_root /before >&2
code=0
for run in $RUNS; do in_root /script || code=$?; done
in_root /after >"$ROOT/tmp/after"
exit $code
`;

/**
 * Runs a document's script in a root of its own, with this machine's sh and awk and the test's /proc, /run, /etc and
 * package managers. The kernel is this machine's; the test does not change it.
 */
export function runInSmallRoot(document: string, parameters: Record<string, string>, root: SmallRoot): Ran {
  const folder = mkdtempSync(join(tmpdir(), 'nightshift-root-'));
  try {
    for (const directory of [
      'usr/lib',
      'usr/lib64',
      'usr/bin',
      'host/bin',
      'host/sbin',
      'dev',
      'run',
      'proc',
      'etc',
      'tmp',
    ])
      mkdirSync(join(folder, directory), { recursive: true });
    for (const link of ['bin', 'sbin']) symlinkSync('usr/bin', join(folder, link));
    for (const link of ['lib', 'lib64']) symlinkSync(`usr/${link}`, join(folder, link));
    for (const program of PROGRAMS.filter((name) => !(name in (root.programs ?? {})) && !root.without?.includes(name)))
      symlinkSync(realpathSync(`/usr/bin/${program}`).replace('/usr/', '/host/'), join(folder, 'usr/bin', program));
    const kernel = spawnSync('uname', ['-r'], { encoding: 'utf8' }).stdout.trim();
    for (const [path, content] of Object.entries(root.files ?? {}))
      write(join(folder, path.replaceAll('KERNEL', kernel)), content.replaceAll('KERNEL', kernel));
    for (const [name, script] of Object.entries(root.programs ?? {})) {
      const path = join(folder, 'usr/bin', name);
      write(path, `#!/bin/sh\n${script.replaceAll('KERNEL', kernel)}\n`);
      chmodSync(path, 0o755);
    }
    for (const program of root.real ?? []) {
      const path = ['/usr/sbin', '/usr/bin']
        .map((directory) => join(directory, program))
        .find((there) => existsSync(there));
      if (path === undefined) throw new Error(`this machine has no program ${program}`);
      symlinkSync(realpathSync(path).replace('/usr/', '/host/'), join(folder, 'usr/bin', program));
    }
    write(join(folder, 'script'), rendered(document, parameters));
    write(join(folder, 'before'), root.before ?? '');
    write(join(folder, 'after'), root.after ?? '');
    const env = {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      ROOT: folder,
      READ_ONLY: root.readOnlyRun ? 'yes' : 'no',
      RUNS: root.runs === 2 ? '1 2' : '1',
    };
    const { status, stdout, stderr } = spawnSync('unshare', ['-rmnpf', '--kill-child', 'sh', '-c', MOUNT], {
      encoding: 'utf8',
      env,
    });
    const kept = new Map<string, string>();
    const read = (path: string): string | null => kept.get(path) ?? null;
    for (const path of ['/etc/modules-load.d/ipvs.conf', '/etc/modules-load.d/nightshift-ipvs.conf', '/tmp/calls'])
      if (existsSync(join(folder, path))) kept.set(path, readFileSync(join(folder, path), 'utf8'));
    const afterPath = join(folder, 'tmp/after');
    const after = existsSync(afterPath) ? readFileSync(afterPath, 'utf8') : '';
    return { exitCode: status, stdout, stderr, after, file: read };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** The script with its parameters filled in, as by SSM. */
function rendered(document: string, parameters: Record<string, string>): string {
  const found = ssmDocuments().find(({ name }) => name === document);
  const script = (found?.content.mainSteps[0]?.inputs.runCommand ?? []).join('\n');
  return script.replace(/\{\{ (\w+) \}\}/g, (_, name: string) => parameters[name] ?? `no parameter ${name}`);
}
