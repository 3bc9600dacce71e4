/** A moment in UTC to the minute, as it stands in names: `20261128T2200`. */
export const compactMoment = (at: Date): string => at.toISOString().slice(0, 16).replaceAll(/[-:]/g, '');
