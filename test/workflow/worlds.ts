/** The demo cluster, small: 40 Services and three Amazon Linux 2023 nodes, migrated in a window nine hours ahead. */
export const CLUSTER = {
  name: 'demo',
  version: '1.34',
  serviceCidr: '10.100.0.0/16',
  services: 40,
  servicesWithoutEndpoints: 2,
  tags: {},
  endpoint: 'public',
  authenticationMode: 'API_AND_CONFIG_MAP',
  addon: { version: 'v1.34.1-eksbuild.2', configuration: '{"resources":{"requests":{"cpu":"150m"}}}' },
  nodeGroups: [{ os: 'al2023', count: 3, ssm: 'online' }],
};

/** The add-on, configured for the target. */
export const ON_IPVS = { ...CLUSTER.addon, configuration: '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}' };

export const WEEKEND = {
  schedule: 'cron(0 2 ? * SAT *)',
  timezone: 'America/New_York',
  durationHours: 4,
  cutoffHours: 1,
  changeCalendars: [],
};

/** A world file with one cluster, which differs from CLUSTER in what is given. */
export function worldOf(cluster: object, more: object = {}) {
  return {
    account: '111122223333',
    region: 'us-east-1',
    start: '2026-11-20T17:00:00-05:00',
    seed: 7,
    clusters: [{ ...CLUSTER, ...cluster }],
    windows: { weekend: WEEKEND },
    ...more,
  };
}

/** What a request accepts for a cluster whose Kubernetes API is not reached. */
export const UNLISTED = { acknowledge: ['unlisted-nodes'] };

export const REQUEST = { cluster: 'demo', target: { mode: 'ipvs', scheduler: 'rr' }, window: 'weekend' };
