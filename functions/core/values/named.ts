/** Up to five names, and how many more there are. */
export const named = (names: readonly string[], { most = 5, separator = '; ' } = {}): string =>
  names
    .slice(0, most)
    .concat(names.length > most ? [`and ${names.length - most} more`] : [])
    .join(separator);
