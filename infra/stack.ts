import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Config } from './config.ts';
import { Alarms } from './constructs/alarms.ts';
import { DeadEvents } from './constructs/dead-events.ts';
import { Documents } from './constructs/documents.ts';
import { EncryptionKey } from './constructs/encryption-key.ts';
import { EvidenceBucket } from './constructs/evidence-bucket.ts';
import { FleetDashboard } from './constructs/fleet-dashboard.ts';
import { Functions } from './constructs/functions.ts';
import { KubernetesRole } from './constructs/kubernetes-role.ts';
import { Notifications } from './constructs/notifications.ts';
import { Schedules } from './constructs/schedules.ts';
import { Triggers } from './constructs/triggers.ts';
import { Workflow } from './constructs/workflow.ts';

export interface NightshiftProps extends StackProps {
  config: Config;
  /** The folder of the bundles, if it is not that of the build. */
  bundles?: string;
}

/** All resources of one account and Region. The stack names neither: one template serves all of them. */
export class NightshiftStack extends Stack {
  constructor(scope: Construct, id: string, { config, bundles, ...props }: NightshiftProps) {
    super(scope, id, props);
    const { key } = new EncryptionKey(this, 'Encryption');
    new EvidenceBucket(this, 'Evidence', { key, days: config.retentionDays.evidence });
    const deadEvents = new DeadEvents(this, 'DeadEvents');
    const functions = new Functions(this, 'Functions', {
      config,
      key,
      deadEvents,
      ...(bundles !== undefined && { bundles }),
    });
    new KubernetesRole(this, 'Kubernetes', functions);
    const workflow = new Workflow(this, 'Workflow', { config, key, functions });
    new Documents(this, 'Documents', config);
    new Schedules(this, 'Schedules', { functions, deadEvents });
    new Triggers(this, 'Triggers', { functions, deadEvents });
    const { topic } = new Notifications(this, 'Notifications', { config, key, deadEvents });
    const { alarms, stopRelease } = new Alarms(this, 'Alarms', { topic, queue: deadEvents.queue, functions });
    workflow.release(stopRelease);
    new FleetDashboard(this, 'Fleet', alarms);
  }
}
