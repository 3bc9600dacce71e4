import type { NodeOs } from '../region.ts';

/** Releases of kernels by the Kubernetes minor version from which the system's EKS images have them, oldest first. */
const RELEASES: Readonly<Record<NodeOs, readonly (readonly [since: number, release: string])[]>> = {
  al2023: [
    [0, '6.1.158-180.294.amzn2023.x86_64'],
    [33, '6.12.46-66.121.amzn2023.x86_64'],
    [36, '6.18.8-9.213.amzn2023.x86_64'],
  ],
  al2: [[0, '5.10.245-241.976.amzn2.x86_64']],
  ubuntu: [
    [0, '6.8.0-1042-aws'],
    [33, '6.14.0-1015-aws'],
  ],
  rhel: [[0, '5.14.0-570.12.1.el9_6.x86_64']],
  rocky: [[0, '5.14.0-570.12.1.el9_6.x86_64']],
  almalinux: [[0, '4.18.0-553.58.1.el8_10.x86_64']],
  oracle: [[0, '5.15.0-309.180.4.el9uek.x86_64']],
  sles: [[0, '6.4.0-150600.23.50-default']],
  bottlerocket: [
    [0, '6.1.155'],
    [33, '6.12.46'],
  ],
  windows: [[0, '10.0.20348.4294']],
  fargate: [[0, '5.10.245-245.983.amzn2.x86_64']],
};

/**
 * What `uname -r` prints on a node of this system, if its image is a recent one for this Kubernetes minor version
 * (`1.34`). https://docs.aws.amazon.com/eks/latest/userguide/eks-optimized-ami.html
 */
export function kernelRelease(os: NodeOs, kubernetesVersion: string): string {
  const minor = Number(kubernetesVersion.split('.')[1]);
  const [, release = ''] = RELEASES[os].findLast(([since]) => minor >= since) ?? [];
  return release;
}

/** Whether a kernel's release, `6.1.115-126.197.amzn2023.x86_64`, is this version or a newer one. */
export function isKernelSince(release: string, [major, minor]: readonly [number, number]): boolean {
  const [, ownMajor = 0, ownMinor = 0] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return (Number(ownMajor) - major || Number(ownMinor) - minor) >= 0;
}
