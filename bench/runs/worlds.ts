/** The Friday evening nine hours before the window, and the window of every bench. */
const AROUND = {
  account: '111122223333',
  region: 'us-east-1',
  start: '2026-11-20T17:00:00-05:00',
  seed: 7,
  windows: {
    weekend: {
      schedule: 'cron(0 2 ? * SAT *)',
      timezone: 'America/New_York',
      durationHours: 4,
      cutoffHours: 1,
      changeCalendars: [],
    },
  },
};

/** What the benches ask of a migration. */
export const REQUEST = { target: { mode: 'ipvs', scheduler: 'rr' }, window: 'weekend' };

/** A cluster with 40 Services and `nodes` nodes. */
export const cluster = (name: string, nodes: number, tags: Record<string, string> = {}) => ({
  name,
  version: '1.34',
  serviceCidr: '10.100.0.0/16',
  services: 40,
  tags,
  endpoint: 'public',
  authenticationMode: 'API_AND_CONFIG_MAP',
  addon: { version: 'v1.34.1-eksbuild.2', configuration: '{"resources":{"requests":{"cpu":"150m"}}}' },
  nodeGroups: [{ os: 'al2023', count: nodes, ssm: 'online' }],
});

/** A world with these clusters. `more`: such as the rates of calls. */
export const world = (clusters: readonly object[], more: Record<string, unknown> = {}) => ({
  ...AROUND,
  clusters,
  ...more,
});

/** The name of the cluster with this number. */
const nameOf = (index: number): string => `c${String(index).padStart(4, '0')}`;

/** Clusters of one fleet, enrolled, each with `nodes` nodes. */
export const fleet = (clusters: number, nodes: number) =>
  Array.from({ length: clusters }, (_, index) => cluster(nameOf(index), nodes, { 'nightshift:enrolled': 'true' }));

/** A rollout of all enrolled clusters in one stage without a soak. */
export const ROLLOUT = { stages: [{ name: 'all', select: { clusters: ['c*'] }, soakHours: 0, atOnce: 100 }] };
