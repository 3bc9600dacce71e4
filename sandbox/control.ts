import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { InvalidFault } from './faults.ts';
import type { LiveRegion } from './live-region.ts';
import { InvalidEvent, readEvents } from './services/events/read-event.ts';
import { STATE_VALUES } from './wire/cloudwatch-types.ts';
import { ServiceError } from './wire/error.ts';

interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

interface Route {
  method: 'GET' | 'POST';
  answer(live: LiveRegion, request: IncomingMessage): Promise<Answer>;
}

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/_sandbox/state', { method: 'GET', answer: async (live) => ({ status: 200, body: await live.state() }) }],
  ['/_sandbox/calls', { method: 'GET', answer: async (live) => ({ status: 200, body: live.calls }) }],
  ['/_sandbox/faults', { method: 'POST', answer: addFaults }],
  ['/_sandbox/events', { method: 'POST', answer: putEvents }],
  ['/_sandbox/schedules', { method: 'POST', answer: fireSchedule }],
  ['/_sandbox/alarms', { method: 'POST', answer: setAlarm }],
]);

/**
 * The sandbox's own paths, beside AWS's: `GET /_sandbox/state`, `GET /_sandbox/calls`, `POST /_sandbox/faults`,
 * `POST /_sandbox/events` (an AWS event or a list, for the default bus), `POST /_sandbox/schedules` (fires one now) and
 * `POST /_sandbox/alarms` (creates an alarm or sets its state).
 * Answers false for a request that is not below `/_sandbox`. `live` is undefined until the first world stands.
 */
export function control(
  live: () => LiveRegion | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  onBug: (error: unknown) => void,
): boolean {
  const [path = '/'] = (request.url ?? '/').split('?');
  if (!/^\/_sandbox(\/|$)/.test(path)) return false;
  respond(live(), path, request)
    .catch((error: unknown) => refusal(error, request, onBug))
    .then((answer) => send(response, answer))
    .catch((error: unknown) => {
      onBug(error);
      response.destroy();
    });
  return true;
}

async function respond(live: LiveRegion | undefined, path: string, request: IncomingMessage): Promise<Answer> {
  const route = ROUTES.get(path);
  if (!route) return failed(404, `there is no ${path}; there are ${[...ROUTES.keys()].join(', ')}`);
  const { method: allow, answer } = route;
  if (request.method !== allow)
    return { ...failed(405, `${path} takes ${allow}, not ${request.method}`), headers: { allow } };
  if (!live) return failed(503, 'the sandbox is still starting');
  return answer(live, request);
}

const failed = (status: number, error: string): Answer => ({ status, body: { error } });

function refusal(error: unknown, request: IncomingMessage, onBug: (error: unknown) => void): Answer {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof InvalidFault || error instanceof InvalidEvent) return failed(400, message);
  if (error instanceof ServiceError) return failed(error.status, message);
  // A client that hung up while it sent gets no answer. It is not an error of the sandbox.
  if (request.complete) onBug(error);
  return failed(500, message);
}

async function addFaults(live: LiveRegion, request: IncomingMessage): Promise<Answer> {
  await live.faults.add(parseList(await text(request)));
  return { status: 200, body: { armed: true } };
}

/** Answers, event by event, its id and the names of the rules that it matched; their targets hear of it a moment later. */
async function putEvents(live: LiveRegion, request: IncomingMessage): Promise<Answer> {
  const { buses, rules } = live.messaging;
  const events = readEvents(await text(request), live.region);
  const body = events.map((event) => {
    buses.put('default', event);
    return { id: event.id, rules: rules.matching('default', event).map(({ name }) => name) };
  });
  return { status: 200, body };
}

const ScheduleName = z.strictObject({ group: z.string().default('default'), name: z.string() });

/** `{"group": …, "name": …}`; answers when the schedule's target was called. */
async function fireSchedule(live: LiveRegion, request: IncomingMessage): Promise<Answer> {
  const wanted = ScheduleName.safeParse(asJson(await text(request)));
  if (!wanted.success) return failed(400, 'schedules: must be {"group": …, "name": …}');
  const { group, name } = wanted.data;
  await live.region.clock.busy(() => live.schedules.fire(group, name));
  return { status: 200, body: { fired: true } };
}

const AlarmState = z.strictObject({
  name: z.string().min(1).max(255),
  state: z.enum(STATE_VALUES),
  reason: z.string().max(1023).default('set by a person'),
});

/** `{"name": …, "state": …, "reason": …}`: a metric alarm that is not there is created. The state lasts until it is set. */
async function setAlarm({ alarms }: LiveRegion, request: IncomingMessage): Promise<Answer> {
  const wanted = AlarmState.safeParse(asJson(await text(request)));
  if (!wanted.success)
    return failed(400, `alarms: must be {"name": …, "state": ${STATE_VALUES.join(' | ')}, "reason": …}`);
  const { name, state: value, reason } = wanted.data;
  const alarm = alarms.find(name) ?? alarms.put({ name, kind: 'metric', configuration: {} });
  alarms.set(alarm, { value, reason });
  return { status: 200, body: { name, arn: alarm.arn, state: value } };
}

function asJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function parseList(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new InvalidFault(`faults: must be JSON: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  const content = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(content),
  });
  response.end(content);
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
