import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseWorld } from '../world.ts';

const CLUSTER = {
  name: 'demo',
  version: '1.34',
  serviceCidr: '10.100.0.0/16',
  services: 10,
  endpoint: 'public',
  authenticationMode: 'API',
  addon: { version: 'v1.34.1-eksbuild.2' },
  nodeGroups: [{ os: 'al2023', count: 1 }],
};
const WINDOW = { schedule: 'cron(0 2 ? * SAT *)', timezone: 'Europe/Berlin', durationHours: 4, cutoffHours: 1 };
const WORLD = {
  account: '111122223333',
  region: 'us-east-1',
  start: '2026-11-20T17:00:00Z',
  seed: 1,
  clusters: [CLUSTER],
  windows: { weekend: WINDOW },
};

const world = (change: object) => ({ ...WORLD, ...change });
const cluster = (change: object) => world({ clusters: [{ ...CLUSTER, ...change }] });
const group = (change: object) => cluster({ nodeGroups: [{ os: 'al2023', count: 1, ...change }] });
const addon = (change: object) => cluster({ addon: { version: 'v1.34.1-eksbuild.2', ...change } });
const window = (change: object) => world({ windows: { weekend: { ...WINDOW, ...change } } });

/** Without one member. */
function without(value: object, key: string): object {
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
}

describe('a world file', () => {
  test('of this repository is a world', () => {
    const worlds = new URL('../../sandbox/worlds/', import.meta.url);
    const files = readdirSync(worlds).filter((name) => name.endsWith('.json'));
    expect(files).toContain('demo.json');
    for (const file of files)
      expect(() => parseWorld(JSON.parse(readFileSync(new URL(file, worlds), 'utf8')))).not.toThrow();
  });

  test('gets its defaults', () => {
    expect(parseWorld(WORLD)).toMatchObject({
      ...WORLD,
      start: new Date('2026-11-20T17:00:00Z'),
      clusters: [
        {
          ...CLUSTER,
          servicesWithoutEndpoints: 0,
          tags: {},
          status: 'ACTIVE',
          autoMode: false,
          addon: expect.objectContaining({ status: 'ACTIVE', configuration: null }),
          nodeGroups: [
            { os: 'al2023', count: 1, ssm: 'online', missingModules: [], builtinModules: [], packageMirror: 'up' },
          ],
        },
      ],
      windows: { weekend: WINDOW },
      calendars: {},
      addonModes: {},
      latencies: expect.objectContaining({ addonUpdate: 20, command: 3, podRestart: 4 }),
    });
  });

  test.each([
    ['mode: ipvs\n', 'mode: ipvs\n'],
    ['{"mode": "ipvs"}', '{"mode": "ipvs"}'],
    [{ mode: 'ipvs' }, '{"mode":"ipvs"}'],
    [null, null],
    ['', ''],
  ])('takes the add-on’s configuration %j as the text %j', (configuration, text) => {
    expect(parseWorld(addon({ configuration })).clusters[0]?.addon?.configuration).toBe(text);
  });

  test('may have no cluster at all, one without an add-on, and empty node groups', () => {
    expect(parseWorld(world({ clusters: [] })).clusters).toEqual([]);
    expect(parseWorld(cluster({ addon: null })).clusters[0]?.addon).toBeNull();
    expect(parseWorld(cluster({ nodeGroups: [] })).clusters[0]?.nodeGroups).toEqual([]);
  });

  test.each([
    [without(WORLD, 'clusters'), "/: must have required property 'clusters'"],
    [world({ clusters: [without(CLUSTER, 'nodeGroups')] }), "/clusters/0: must have required property 'nodeGroups'"],
    [
      world({ windows: { weekend: without(WINDOW, 'timezone') } }),
      "/windows/weekend: must have required property 'timezone'",
    ],
    [cluster({ nodeGroups: [{ count: 1 }] }), "/clusters/0/nodeGroups/0: must have required property 'os'"],
    [cluster({ addon: {} }), "/clusters/0/addon: must have required property 'version'"],
    [world({ calendars: { freeze: {} } }), "/calendars/freeze: must have required property 'state'"],
  ])('that lacks a member is refused: %#', (file, message) => {
    expect(() => parseWorld(file)).toThrow(message);
  });

  test.each<[unknown, string]>([
    [null, '/: must be object'],
    [world({ colour: 'red' }), '/: has no member colour'],
    [world({ account: '1' }), '/account: must match pattern "^[0-9]{12}$"'],
    [world({ start: '2026-11-20T17:00:00' }), '/start: must match format "date-time"'],
    [world({ start: '2026-13-20T17:00:00Z' }), '/start: must match format "date-time"'],
    [world({ seed: -1 }), '/seed: must be >= 0'],
    [world({ seed: 4294967296 }), '/seed: must be <= 4294967295'],
    [world({ seed: 1.5 }), '/seed: must be integer'],
    [world({ clusters: {} }), '/clusters: must be array'],
    [
      world({ calendars: { freeze: { state: 'SHUT' } } }),
      '/calendars/freeze/state: must be equal to one of the allowed values: OPEN, CLOSED',
    ],
    [
      world({ calendars: { freeze: { state: 'OPEN', transitions: ['soon'] } } }),
      '/calendars/freeze/transitions/0: must match format "date-time"',
    ],
    [world({ calendars: { freeze: { state: 'OPEN', owner: 'x' } } }), '/calendars/freeze: has no member owner'],
    [
      world({ addonModes: { 'v1.34.1-eksbuild.2': [] } }),
      '/addonModes/v1.34.1-eksbuild.2: must NOT have fewer than 1 items',
    ],
    [
      world({ addonModes: { newest: ['iptables'] } }),
      String.raw`/addonModes: must match pattern "^v1\.[0-9]+\.[0-9]+-eksbuild\.[0-9]+$"`,
    ],
    [world({ latencies: { coffee: 1 } }), '/latencies: has no member coffee'],
    [cluster({ colour: 'red' }), '/clusters/0: has no member colour'],
    [cluster({ name: '-demo' }), '/clusters/0/name: must match format "eks-cluster-name"'],
    [
      cluster({ serviceCidr: 'all' }),
      '/clusters/0/serviceCidr: serviceCidr must be an IPv4 or IPv6 CIDR such as 10.100.0.0/16, but it is "all".',
    ],
    [
      cluster({ serviceCidr: '10.100.0.0/24', services: 300 }),
      '/clusters/0/services: 300 Services do not fit into 10.100.0.0/24',
    ],
    [addon({ name: 'coredns' }), '/clusters/0/addon: has no member name'],
    [addon({ configuration: 1 }), '/clusters/0/addon/configuration: must be string or object or null'],
    [cluster({ addon: 'v1' }), '/clusters/0/addon: must be object or null'],
    [
      group({ os: 'beos' }),
      '/clusters/0/nodeGroups/0/os: must be equal to one of the allowed values: al2023, al2, ubuntu, rhel, rocky, almalinux, oracle, sles, bottlerocket, windows, fargate',
    ],
    [group({ size: 'big' }), '/clusters/0/nodeGroups/0: has no member size'],
    [
      cluster({ nodeGroups: [1, 2, 3, 4].map(() => ({ os: 'al2', count: 10_000 })) }),
      '/clusters/0/nodeGroups: have 40000 nodes; a cluster has at most 30000',
    ],
    [
      world({ clusters: [CLUSTER, { ...CLUSTER, name: 'b' }, CLUSTER] }),
      '/clusters/2/name: demo is there twice; names are unique',
    ],
    [window({ owner: 'x' }), '/windows/weekend: has no member owner'],
  ])('that breaks a rule is refused with path and rule: %#', (file, message) => {
    expect(() => parseWorld(file)).toThrow(expect.objectContaining({ name: 'WorldError' }));
    expect(() => parseWorld(file)).toThrow(message);
  });
});
