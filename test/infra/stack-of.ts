import { Stack } from '@nightshift/sandbox/iam';

/** The stack `nightshift` that a template makes of itself in this place. */
export const stackOf = (template: unknown, { account, region }: { account: string; region: string }): Stack =>
  new Stack(template, { account, region, stack: 'nightshift' });
