/** A time as text for people: UTC, to the second. */
export function showTime(time: Date): string {
  if (Number.isNaN(time.getTime())) return 'an invalid time';
  return `${time.toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/** A duration: `9 h 30 min`, `2 min 5 s`, `20 s`, with the two largest units that are not zero. */
export function showDuration(seconds: number): string {
  const units: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [Math.round(seconds % 60), 's'],
  ];
  const first = units.findIndex(([amount]) => amount > 0);
  if (first < 0) return '0 s';
  const shown = units.slice(first, first + 2).filter(([amount]) => amount > 0);
  return shown.map(([amount, unit]) => `${amount} ${unit}`).join(' ');
}

/** `1 node`, `3 nodes`. */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : 's'}`;
}

/** `ipvs rr`, `iptables`. */
export function showTarget(target: { mode: string; scheduler?: string | undefined }): string {
  return target.scheduler === undefined ? target.mode : `${target.mode} ${target.scheduler}`;
}

/** The nodes of an inventory: `3 nodes (1 excluded)`; nodes proven through SSM are not mentioned. */
export function showCounts(counts: { total: number; proxyMode: number; excluded: number; blocked: number }): string {
  const parts = [
    counts.proxyMode > 0 ? `${counts.proxyMode} proven through the Kubernetes API` : null,
    counts.excluded > 0 ? `${counts.excluded} excluded` : null,
    counts.blocked > 0 ? `${counts.blocked} blocked` : null,
  ].filter((part) => part !== null);
  return `${count(counts.total, 'node')}${parts.length > 0 ? ` (${parts.join(', ')})` : ''}`;
}
