import { isAllowed, rolePolicies } from '@nightshift/sandbox/iam';
import { expect, it } from 'vitest';
import { parseConfig } from '../../infra/config.ts';
import { SETTINGS } from '../functions/handlers/events.ts';
import { WEEKEND } from '../workflow/worlds.ts';
import { configuredTemplate, SHARED_CALENDAR } from './roles.ts';
import { stackOf } from './stack-of.ts';
import { rightsOfRole } from './template.ts';

const stack = stackOf(await configuredTemplate(), { account: '111122223333', region: 'us-east-1' });
const statements = rolePolicies(stack).get('nightshift-decide-window-us-east-1') ?? [];
const mayAsk = (resource: string) => isAllowed(statements, { action: 'ssm:GetCalendarState', resource, context: {} });

it.each([
  ['a calendar of the account', 'arn:aws:ssm:us-east-1:111122223333:document/freeze', true],
  ['a calendar that another account shares', SHARED_CALENDAR, true],
  ['another calendar of that account', 'arn:aws:ssm:us-east-1:444455556666:document/other', false],
  ['a calendar of the account that no window names', 'arn:aws:ssm:us-east-1:111122223333:document/other', false],
])('the role of decide-window may ask %s: %s %s', (_, resource, expected) => {
  expect(mayAsk(resource)).toBe(expected);
});

it('without a calendar in any window the role may ask none', () => {
  expect(rightsOfRole('decide-window').flatMap(({ actions }) => actions)).not.toContain('ssm:GetCalendarState');
});

const withCalendar = (name: string) => ({
  windows: { weekend: { ...WEEKEND, changeCalendars: [name] } },
  settings: { ...SETTINGS, window: 'weekend' },
});

it.each(['freeze', 'company_freeze.v2', SHARED_CALENDAR, 'arn:aws-cn:ssm:cn-north-1:444455556666:document/freeze'])(
  'a window takes the calendar %s',
  (name) => {
    expect(parseConfig(withCalendar(name)).windows['weekend']?.changeCalendars).toEqual([name]);
  },
);

it.each([
  'fr',
  'document/freeze',
  'arn:aws:ssm:us-east-1:444455556666:parameter/freeze',
  'arn:aws:ssm:us-east-1::document/freeze',
  'arn:aws:ssm:us-east-1:444455556666:document/',
])('a window refuses the calendar %s', (name) => {
  expect(() => parseConfig(withCalendar(name))).toThrow('must be the name or ARN of an SSM Change Calendar');
});
