/** A world file's content with clusters that differ from the demo's in what is given. */
export function worldOf(clusters: object[], more: object = {}) {
  return {
    account: '111122223333',
    region: 'us-east-1',
    start: '2026-11-20T17:00:00-05:00',
    seed: 7,
    clusters: clusters.map((cluster) => ({ ...CLUSTER, ...cluster })),
    windows: {
      weekend: { schedule: 'cron(0 2 ? * SAT *)', timezone: 'America/New_York', durationHours: 4, cutoffHours: 1 },
    },
    ...more,
  };
}

const CLUSTER = {
  name: 'demo',
  version: '1.34',
  serviceCidr: '10.100.0.0/16',
  services: 40,
  tags: {},
  endpoint: 'public',
  authenticationMode: 'API_AND_CONFIG_MAP',
  addon: { version: 'v1.34.1-eksbuild.2', configuration: null },
  nodeGroups: [{ os: 'al2023', count: 2, ssm: 'online' }],
};
