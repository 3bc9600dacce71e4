import { gunzipSync } from 'node:zlib';
import { EKSClient } from '@aws-sdk/client-eks';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DeleteScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { ApiCall, Sandbox, SandboxState } from '@nightshift/sandbox';
import { expect } from 'vitest';
import * as z from 'zod';
import { startNightshift } from '../../cli/start-sandbox.ts';
import { type Config, readConfig } from '../../infra/config.ts';
import { synthesized } from '../../infra/synthesized.ts';
import type { Template } from '../../infra/template.ts';
import { Roles } from '../infra/roles.ts';
import { fleetOf } from '../workflow/schedules.ts';
import { CLUSTER } from '../workflow/worlds.ts';

const SHIPPED = readConfig(new URL('../../nightshift.config.json', import.meta.url));

/**
 * The cluster of these scenes unless a scene changes it: it has everything that the shipped target, nftables, needs. In a
 * sandbox Kubernetes 1.36 comes with the VPC CNI 1.23.0 and with nodes of kernel 6.18.
 */
export const MODERN = { version: '1.36', addon: { ...CLUSTER.addon, version: 'v1.36.0-eksbuild.2' } };
/** Its add-on, configured for the shipped target, and for another mode. */
export const ON_NFTABLES = { addon: { ...MODERN.addon, configuration: '{"mode":"nftables"}' } };
export const ON_IPVS = { addon: { ...MODERN.addon, configuration: '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}' } };

/** What a fresh clone deploys: its window is Saturday, 22:00 UTC; the scenes begin on Friday, 22:00 UTC. */
export const deployAsShipped = (): Promise<Template> => synthesized(SHIPPED);

/** With a second window, and a migration after every drift. */
export function deployWithDriftMigrated(): Promise<Template> {
  const sunday = { ...weekend(SHIPPED), schedule: 'cron(0 2 ? * SUN *)', timezone: 'America/New_York' };
  const settings = { ...SHIPPED.settings, drift: 'migrate' as const };
  return synthesized({ ...SHIPPED, windows: { ...SHIPPED.windows, sunday }, settings });
}

/** With this tolerance for failures of a night, and one cluster every half hour. */
export function deployWithTolerance(tolerate: number): Promise<Template> {
  const settings = { ...SHIPPED.settings, stagger: { minutes: 30, atOnce: 1 }, tolerate };
  return synthesized({ ...SHIPPED, settings });
}

/** With these stages, and the target and the window of the shipped configuration. */
export function deployWithFleet(fleet: Config['fleet']): Promise<Template> {
  return synthesized({ ...SHIPPED, fleet });
}

function weekend({ windows }: Config): Config['windows'][string] {
  const { weekend: window } = windows;
  if (window) return window;
  throw new Error('nightshift.config.json has no window weekend');
}

/** The same template without the resources that `isGone` is true for. */
export function without(template: Template, isGone: (type: string, properties: string) => boolean): Template {
  const left = Object.entries(template.Resources).filter(
    ([, { Type, Properties }]) => !isGone(Type, JSON.stringify(Properties)),
  );
  return { ...template, Resources: Object.fromEntries(left) };
}

const Schedule = z.object({ group: z.string(), name: z.string(), expression: z.string(), timezone: z.string() });
const HistoryEvent = z.object({ type: z.string() });

const worldOf = (clusters: readonly object[]) => fleetOf(clusters.map((cluster) => ({ ...MODERN, ...cluster })));

/** A sandbox in which a synthesized template is deployed and nothing else; each scene has a world of its own. */
export class Scene {
  readonly sandbox: Sandbox;
  /** AWS's APIs, as a person calls them. */
  readonly eks: EKSClient;
  readonly #s3: S3Client;
  readonly #scheduler: SchedulerClient;
  readonly #sqs: SQSClient;
  readonly #roles: Roles;
  readonly #bugs: unknown[];

  private constructor(sandbox: Sandbox, template: Template, bugs: unknown[]) {
    const credentials = { accessKeyId: 'person', secretAccessKey: 'person' };
    const options = { endpoint: sandbox.endpoint, region: 'us-east-1', credentials };
    this.sandbox = sandbox;
    this.eks = new EKSClient(options);
    this.#s3 = new S3Client({ ...options, forcePathStyle: true });
    this.#scheduler = new SchedulerClient(options);
    this.#sqs = new SQSClient(options);
    this.#roles = new Roles(template);
    this.#bugs = bugs;
  }

  static async start(template: Template): Promise<Scene> {
    const bugs: unknown[] = [];
    const sandbox = await startNightshift({ template, world: fleetOf([]), onBug: (bug) => bugs.push(bug) });
    return new Scene(sandbox, template, bugs);
  }

  get calls(): readonly ApiCall[] {
    return this.sandbox.calls;
  }

  get #clock() {
    return this.sandbox.live.region.clock;
  }

  /** Plays in a new world; time passes only where `play` lets it, and runs on to its end afterwards. */
  async play(clusters: object[], play: () => Promise<void>): Promise<SandboxState> {
    await this.sandbox.load(worldOf(clusters));
    return this.goOn(play);
  }

  /** Goes on in the same world, as `play`. */
  async goOn(play: () => Promise<void>): Promise<SandboxState> {
    await this.#clock.busy(play);
    await this.#clock.idle();
    this.#expectAllowed();
    return this.sandbox.state();
  }

  /** As `play`; what was set in motion is thrown away with its world. */
  async look(clusters: object[], look: () => Promise<void>): Promise<void> {
    await this.sandbox.load(worldOf(clusters));
    await this.#clock.busy(async () => {
      await look();
      this.#expectAllowed();
      await this.sandbox.load(fleetOf([]));
    });
  }

  /** What the product did in this world is what the roles of its template allow. */
  #expectAllowed(): void {
    expect(this.#roles.exceededSince(this.calls, this.sandbox.live.region)).toEqual([]);
  }

  /** Posts events and lets the second pass in which they are delivered; answers the rules that each matched. */
  async deliver(...events: object[]): Promise<string[][]> {
    const matched = z.array(z.object({ rules: z.array(z.string()) })).parse(await this.post('events', events));
    await this.#clock.skip(1000);
    return matched.map(({ rules }) => rules);
  }

  async pass(minutes: number): Promise<void> {
    await this.#clock.skip(minutes * 60_000);
  }

  /** One of the daily sweeps, now. */
  async sweep(name: 'schedule-migrations' | 'sweep-executions'): Promise<void> {
    await this.post('schedules', { group: 'nightshift-sweeps', name: `nightshift-${name}` });
  }

  async post(path: string, body: unknown): Promise<unknown> {
    const response = await fetch(`${this.sandbox.endpoint}/_sandbox/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  }

  /** `name expression timezone` of every migration that is planned, by name. */
  async planned(): Promise<string[]> {
    const { schedules } = await this.sandbox.state();
    return z
      .array(Schedule)
      .parse(schedules)
      .filter(({ group }) => group === 'nightshift-migrations')
      .map(({ name, expression, timezone }) => `${name} ${expression} ${timezone}`);
  }

  /** As a person deletes a schedule in the console. */
  async cancel(Name: string): Promise<void> {
    await this.#scheduler.send(new DeleteScheduleCommand({ GroupName: 'nightshift-migrations', Name }));
  }

  /** Types of the events in the history that is kept of an execution. */
  async keptHistory(execution: string): Promise<string[]> {
    const Key = `executions/${execution}/history.ndjson.gz`;
    const { Body } = await this.#s3.send(
      new GetObjectCommand({ Bucket: 'nightshift-evidence-111122223333-us-east-1', Key }),
    );
    const lines = gunzipSync((await Body?.transformToByteArray()) ?? new Uint8Array()).toString();
    return lines
      .trimEnd()
      .split('\n')
      .map((line) => HistoryEvent.parse(JSON.parse(line)).type);
  }

  /** The messages that wait in the queue of dead events: what they say, and how they came there. */
  async dead(): Promise<{ body: unknown; attributes: Record<string, string | undefined> }[]> {
    const QueueUrl = `${this.sandbox.endpoint}/111122223333/nightshift-dead-events`;
    const { Messages = [] } = await this.#sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }),
    );
    return Messages.map(({ Body = 'null', MessageAttributes = {} }) => ({
      body: JSON.parse(Body),
      attributes: Object.fromEntries(
        Object.entries(MessageAttributes).map(([name, { StringValue }]) => [name, StringValue]),
      ),
    }));
  }

  async stop(): Promise<void> {
    for (const client of [this.eks, this.#s3, this.#scheduler, this.#sqs]) client.destroy();
    await this.sandbox.stop();
    expect(this.#bugs).toEqual([]);
  }
}

/** `name status` of all executions, in the order in which they started. */
export const executionsOf = ({ executions }: SandboxState): string[] =>
  executions.map(({ name, status }) => `${name} ${status}`);

/** `cluster mode mode …`: what the nodes run now. */
export const modesOf = ({ clusters }: SandboxState): string[] =>
  clusters.map(({ name, nodes }) => [name, ...nodes.map(({ runningMode }) => runningMode)].join(' '));

/** When an API was called, to the minute. */
export const timesOf = (calls: readonly ApiCall[], wanted: string): string[] =>
  calls.filter(({ operation }) => operation === wanted).map(({ at }) => at.slice(0, 16));
