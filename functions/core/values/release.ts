/** The three numbers of a release: `v1.23.0-eksbuild.1` is 1.23.0. */
export type Release = readonly [major: number, minor: number, patch: number];

/** Null if the text is not a release, such as the tag `latest` or a digest. */
export function readRelease(text: string): Release | null {
  const match = /^v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?![\d.])/.exec(text);
  return match === null ? null : [Number(match[1]), Number(match[2]), Number(match[3])];
}

/** The release in the tag of an image, `registry/path/name:TAG`, with or without a digest; null if it has none. */
export function imageRelease(image: string): Release | null {
  const tag = /:([^:/@]+)(?:@[^@]*)?$/.exec(image)?.[1];
  return tag === undefined ? null : readRelease(tag);
}

export function isSince(release: Release, first: Release): boolean {
  const differs = first.findIndex((part, index) => part !== release[index]);
  return differs < 0 || (release[differs] ?? 0) > (first[differs] ?? 0);
}

export const releaseText = (release: Release): string => release.join('.');
