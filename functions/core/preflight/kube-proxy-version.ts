/**
 * A version of kube-proxy as EKS numbers it: Kubernetes' three numbers and EKS's own build. An add-on's version is
 * `v1.34.1-eksbuild.2`; the tag of an image can also be `v1.34.1-minimal-eksbuild.2`.
 * https://docs.aws.amazon.com/eks/latest/userguide/managing-kube-proxy.html
 */
export type KubeProxyVersion = readonly [major: number, minor: number, patch: number, build: number];

const VERSION = /^v?(\d+)\.(\d+)\.(\d+)(?:-minimal)?-eksbuild\.(\d+)$/;

/** Null for any other text. */
export function readVersion(text: string): KubeProxyVersion | null {
  const match = VERSION.exec(text);
  return match === null ? null : [Number(match[1]), Number(match[2]), Number(match[3]), Number(match[4])];
}

/** The version in the tag of an image, `registry/eks/kube-proxy:TAG`, with or without a digest; null if it has none. */
export function imageVersion(image: string): KubeProxyVersion | null {
  const tag = /:([^:/@]+)(?:@[^@]*)?$/.exec(image)?.[1];
  return tag === undefined ? null : readVersion(tag);
}

/** Below zero if `one` is older than `other`, 0 for the same version. */
export function compareVersions(one: KubeProxyVersion, other: KubeProxyVersion): number {
  const differs = one.findIndex((part, index) => part !== other[index]);
  return differs < 0 ? 0 : (one[differs] ?? 0) - (other[differs] ?? 0);
}

/**
 * The add-on version that adopts a kube-proxy with this image: the image's own version; otherwise the default one if it
 * is newer; otherwise the oldest newer one. The default one if the image's version is not known, or none is newer.
 */
export function versionToAdopt(
  { version, versions }: { version: string; versions: readonly string[] },
  image: string | null,
): string {
  const now = image === null ? null : imageVersion(image);
  if (now === null) return version;
  const known = [version, ...versions].flatMap((name) => {
    const parsed = readVersion(name);
    return parsed === null ? [] : [{ name, ahead: compareVersions(parsed, now), parsed }];
  });
  const same = known.find(({ ahead }) => ahead === 0);
  const byDefault = known.find(({ name, ahead }) => name === version && ahead > 0);
  const newer = known.filter(({ ahead }) => ahead > 0).sort((a, b) => compareVersions(a.parsed, b.parsed));
  return (same ?? byDefault ?? newer[0])?.name ?? version;
}
