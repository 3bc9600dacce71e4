import { expect, test } from 'vitest';
import { startNightshift } from '../../cli/start-sandbox.ts';
import { WEEKEND, worldOf } from '../workflow/worlds.ts';

test.each([
  [
    { schedule: 'cron(0 2 31 2 ? *)' },
    '/windows/weekend: schedule must name a time that exists: this cron never fires, but it is "cron(0 2 31 2 ? *)".',
  ],
  [{ schedule: 'rate(1 day)' }, '/windows/weekend: schedule '],
  [{ timezone: 'Mars/Olympus' }, '/windows/weekend: timezone must be an IANA timezone such as Europe/Berlin'],
  [{ cutoffHours: 4 }, '/windows/weekend: cutoffHours must be less than durationHours (4), but it is 4.'],
])('a window that the product would refuse is an error of the world file: %j', async (change, message) => {
  const world = worldOf({}, { windows: { weekend: { ...WEEKEND, ...change } } });
  const refused = await startNightshift({ world }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ name: 'WorldError', message: expect.stringContaining(message) });
});
