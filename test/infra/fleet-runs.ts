import { addonCall } from '../functions/handlers/events.ts';
import { Rollouts } from '../workflow/rollouts.ts';
import { abort } from '../workflow/scenarios.ts';
import { NOW, tagged } from '../workflow/schedules.ts';
import { MANIFEST } from './roles.ts';
import { endings, enrolled, MIGRATE, type Run } from './runs.ts';

const GUARDED = { tags: { 'nightshift:enrolled': 'true', 'nightshift:guard': 'checkout-5xx' } };
const alarm = (state: string, more: object = {}) => ({
  ...{ other: 'set-alarm', cluster: 'demo', name: 'checkout-5xx', state, reason: '12 errors', ...more },
});

/** What a function makes of a cluster of a stage, whose manifest it reads. */
const staged =
  (handler: string, event: unknown): Run =>
  async (region) => {
    const rollouts = new Rollouts(region.workflow);
    const planned = await region.still(enrolled(GUARDED), async () => {
      await rollouts.putManifest(MANIFEST, '["demo"]');
      await region.invoke(handler, event);
      return region.planned();
    });
    rollouts.leave();
    return planned;
  };

/** A rollout that the sweep starts and a person approves; the next sweep leaves it to people. */
const rollout =
  (faults: object[]): Run =>
  async (region) => {
    const rollouts = new Rollouts(region.workflow);
    await region.still(enrolled(GUARDED), async () => {
      await region.workflow.post('faults', [alarm('OK'), ...faults]);
      await rollouts.putManifest(MANIFEST, '["demo"]');
      await region.sweep();
      rollouts.at('2026-11-20T23:00:00Z', async () => {
        const [name = ''] = [...region.workflow.sandbox.live.stepFunctions.executions.values()].flatMap(
          ({ machine, input }) =>
            machine.name === 'nightshift-migrate-fleet' ? [String(JSON.parse(input.text).rollout)] : [],
        );
        await rollouts.answer((await rollouts.asked(name)).token, { decision: 'approved', by: 'anna', reason: null });
      });
    });
    await region.rest();
    await region.sweep({ now: '2026-11-22T22:00:00Z' });
    rollouts.leave();
    const ended = (await endings(region)).split(', ');
    // The executions of the Map have random names.
    return ended.filter((each) => !/^[0-9a-f]{8}-/.test(each)).join(', ');
  };

/** Runs with stages in the configuration: together they make every call of a rollout. */
export const FLEETS: Record<string, Run> = {
  // An alarm rings during the soak, so the cluster is restored.
  'a rollout': rollout([alarm('ALARM', { at: 'AwaitSoak', after: 1_800 })]),
  'a rollout whose migration is aborted': rollout([abort('InspectCluster', MIGRATE)]),
  'a staged cluster by tags': staged('on-cluster-tagged', tagged('demo')),
  'a staged cluster by drift': staged(
    'on-addon-changed',
    addonCall('UpdateAddon', { configurationValues: '{"mode":"iptables"}' }),
  ),
  'a staged cluster by the sweep': staged('schedule-migrations', { kind: 'sweep', now: NOW, cluster: 'demo' }),
};
