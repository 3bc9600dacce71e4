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

  const MISSING: [object, string][] = [
    ...Object.keys(WORLD).map((key): [object, string] => [
      without(WORLD, key),
      `/: must have required property '${key}'`,
    ]),
    ...Object.keys(CLUSTER).map((key): [object, string] => [
      world({ clusters: [without(CLUSTER, key)] }),
      `/clusters/0: must have required property '${key}'`,
    ]),
    ...Object.keys(WINDOW).map((key): [object, string] => [
      world({ windows: { weekend: without(WINDOW, key) } }),
      `/windows/weekend: must have required property '${key}'`,
    ]),
    [cluster({ nodeGroups: [{ count: 1 }] }), "/clusters/0/nodeGroups/0: must have required property 'os'"],
    [cluster({ nodeGroups: [{ os: 'al2' }] }), "/clusters/0/nodeGroups/0: must have required property 'count'"],
    [cluster({ addon: {} }), "/clusters/0/addon: must have required property 'version'"],
    [world({ calendars: { freeze: {} } }), "/calendars/freeze: must have required property 'state'"],
  ];
  test.each(MISSING)('that lacks a member is refused: %#', (file, message) => {
    expect(() => parseWorld(file)).toThrow(message);
  });

  const VERSION = String.raw`/clusters/0/addon/version: must match pattern "^v1\.[0-9]+\.[0-9]+-eksbuild\.[0-9]+$"`;
  const BAD: [unknown, string][] = [
    [null, '/: must be object'],
    [[], '/: must be object'],
    [world({ colour: 'red' }), '/: has no member colour'],
    [world({ $schema: 1 }), '/$schema: must be string'],
    [world({ account: '1' }), '/account: must match pattern "^[0-9]{12}$"'],
    [world({ account: 111122223333 }), '/account: must be string'],
    [world({ region: 'mars' }), '/region: must match pattern "^[a-z]{2}(-[a-z]+)+-[0-9]$"'],
    [world({ start: '2026-11-20T17:00:00' }), '/start: must match format "date-time"'],
    [world({ start: '2026-13-20T17:00:00Z' }), '/start: must match format "date-time"'],
    [world({ start: 1 }), '/start: must be string'],
    [world({ seed: -1 }), '/seed: must be >= 0'],
    [world({ seed: 4294967296 }), '/seed: must be <= 4294967295'],
    [world({ seed: 1.5 }), '/seed: must be integer'],
    [world({ clusters: {} }), '/clusters: must be array'],
    [world({ clusters: [1] }), '/clusters/0: must be object'],
    [world({ windows: [] }), '/windows: must be object'],
    [world({ windows: { weekend: 1 } }), '/windows/weekend: must be object'],
    [world({ calendars: [] }), '/calendars: must be object'],
    [world({ calendars: { freeze: 1 } }), '/calendars/freeze: must be object'],
    [
      world({ calendars: { freeze: { state: 'SHUT' } } }),
      '/calendars/freeze/state: must be equal to one of the allowed values: OPEN, CLOSED',
    ],
    [
      world({ calendars: { freeze: { state: 'OPEN', transitions: 1 } } }),
      '/calendars/freeze/transitions: must be array',
    ],
    [
      world({ calendars: { freeze: { state: 'OPEN', transitions: ['soon'] } } }),
      '/calendars/freeze/transitions/0: must match format "date-time"',
    ],
    [world({ calendars: { freeze: { state: 'OPEN', owner: 'x' } } }), '/calendars/freeze: has no member owner'],
    [world({ addonModes: [] }), '/addonModes: must be object'],
    [world({ addonModes: { 'v1.34.1-eksbuild.2': 'ipvs' } }), '/addonModes/v1.34.1-eksbuild.2: must be array'],
    [
      world({ addonModes: { 'v1.34.1-eksbuild.2': [] } }),
      '/addonModes/v1.34.1-eksbuild.2: must NOT have fewer than 1 items',
    ],
    [world({ addonModes: { 'v1.34.1-eksbuild.2': [1] } }), '/addonModes/v1.34.1-eksbuild.2/0: must be string'],
    [
      world({ addonModes: { newest: ['iptables'] } }),
      String.raw`/addonModes: must match pattern "^v1\.[0-9]+\.[0-9]+-eksbuild\.[0-9]+$"`,
    ],
    [world({ latencies: { addonUpdate: -1 } }), '/latencies/addonUpdate: must be >= 0'],
    [world({ latencies: { command: '1' } }), '/latencies/command: must be number'],
    [world({ latencies: { prepareCommand: -1 } }), '/latencies/prepareCommand: must be >= 0'],
    [world({ latencies: { podRestart: -1 } }), '/latencies/podRestart: must be >= 0'],
    [world({ latencies: { function: -1 } }), '/latencies/function: must be >= 0'],
    [world({ latencies: { coffee: 1 } }), '/latencies: has no member coffee'],
    [world({ latencies: [] }), '/latencies: must be object'],
    [cluster({ colour: 'red' }), '/clusters/0: has no member colour'],
    [cluster({ name: '-demo' }), '/clusters/0/name: must match format "eks-cluster-name"'],
    [cluster({ version: '34' }), String.raw`/clusters/0/version: must match pattern "^1\.[0-9]{1,2}$"`],
    [cluster({ serviceCidr: 10 }), '/clusters/0/serviceCidr: must be string'],
    [
      cluster({ serviceCidr: 'all' }),
      '/clusters/0/serviceCidr: serviceCidr must be an IPv4 or IPv6 CIDR such as 10.100.0.0/16, but it is "all".',
    ],
    [cluster({ serviceCidr: '10.100.0.0/30' }), '/clusters/0/serviceCidr: '],
    [
      cluster({ serviceCidr: '10.100.0.0/24', services: 300 }),
      '/clusters/0/services: 300 Services do not fit into 10.100.0.0/24',
    ],
    [cluster({ services: -1 }), '/clusters/0/services: must be >= 0'],
    [cluster({ services: 50_001 }), '/clusters/0/services: must be <= 50000'],
    [cluster({ services: 1.5 }), '/clusters/0/services: must be integer'],
    [cluster({ servicesWithoutEndpoints: -1 }), '/clusters/0/servicesWithoutEndpoints: must be >= 0'],
    [cluster({ tags: { a: 1 } }), '/clusters/0/tags/a: must be string'],
    [cluster({ tags: [] }), '/clusters/0/tags: must be object'],
    [
      cluster({ endpoint: 'both' }),
      '/clusters/0/endpoint: must be equal to one of the allowed values: public, private',
    ],
    [
      cluster({ authenticationMode: 'NONE' }),
      '/clusters/0/authenticationMode: must be equal to one of the allowed values: API, API_AND_CONFIG_MAP, CONFIG_MAP',
    ],
    [
      cluster({ status: 'GONE' }),
      '/clusters/0/status: must be equal to one of the allowed values: ACTIVE, CREATING, UPDATING, FAILED',
    ],
    [cluster({ autoMode: 'yes' }), '/clusters/0/autoMode: must be boolean'],
    [addon({ version: 'v1' }), VERSION],
    [
      addon({ status: 'GONE' }),
      '/clusters/0/addon/status: must be equal to one of the allowed values: ACTIVE, CREATING, CREATE_FAILED, UPDATING, UPDATE_FAILED, DEGRADED, DELETING, DELETE_FAILED',
    ],
    [addon({ name: 'coredns' }), '/clusters/0/addon: has no member name'],
    [addon({ configuration: 1 }), '/clusters/0/addon/configuration: must be string or object or null'],
    [cluster({ addon: 'v1' }), '/clusters/0/addon: must be object or null'],
    [cluster({ nodeGroups: {} }), '/clusters/0/nodeGroups: must be array'],
    [cluster({ nodeGroups: [1] }), '/clusters/0/nodeGroups/0: must be object'],
    [
      group({ os: 'beos' }),
      '/clusters/0/nodeGroups/0/os: must be equal to one of the allowed values: al2023, al2, ubuntu, rhel, rocky, almalinux, oracle, sles, bottlerocket, windows, fargate',
    ],
    [group({ count: -1 }), '/clusters/0/nodeGroups/0/count: must be >= 0'],
    [group({ count: 10_001 }), '/clusters/0/nodeGroups/0/count: must be <= 10000'],
    [group({ count: 1.5 }), '/clusters/0/nodeGroups/0/count: must be integer'],
    [
      group({ ssm: 'dead' }),
      '/clusters/0/nodeGroups/0/ssm: must be equal to one of the allowed values: online, offline, none',
    ],
    [group({ missingModules: 'ip_vs' }), '/clusters/0/nodeGroups/0/missingModules: must be array'],
    [
      group({ missingModules: ['IP VS'] }),
      '/clusters/0/nodeGroups/0/missingModules/0: must match pattern "^[a-z0-9_]+$"',
    ],
    [group({ builtinModules: 'ip_vs' }), '/clusters/0/nodeGroups/0/builtinModules: must be array'],
    [group({ builtinModules: [''] }), '/clusters/0/nodeGroups/0/builtinModules/0: must match pattern "^[a-z0-9_]+$"'],
    [
      group({ packageMirror: 'slow' }),
      '/clusters/0/nodeGroups/0/packageMirror: must be equal to one of the allowed values: up, down',
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
    [window({ schedule: 1 }), '/windows/weekend/schedule: must be string'],
    [window({ timezone: 1 }), '/windows/weekend/timezone: must be string'],
    [window({ durationHours: 0 }), '/windows/weekend/durationHours: must be >= 1'],
    [window({ durationHours: 25 }), '/windows/weekend/durationHours: must be <= 24'],
    [window({ durationHours: 1.5 }), '/windows/weekend/durationHours: must be integer'],
    [window({ cutoffHours: -1 }), '/windows/weekend/cutoffHours: must be >= 0'],
    [window({ cutoffHours: 24 }), '/windows/weekend/cutoffHours: must be <= 23'],
    [window({ changeCalendars: 'freeze' }), '/windows/weekend/changeCalendars: must be array'],
    [window({ changeCalendars: [1] }), '/windows/weekend/changeCalendars/0: must be string'],
    [window({ owner: 'x' }), '/windows/weekend: has no member owner'],
  ];
  test.each(BAD)('that breaks a rule is refused with path and rule: %#', (file, message) => {
    expect(() => parseWorld(file)).toThrow(expect.objectContaining({ name: 'WorldError' }));
    expect(() => parseWorld(file)).toThrow(message);
  });
});
