import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EKS } from '@aws-sdk/client-eks';
import { worldOf } from '@nightshift/sandbox/test/world';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { PATIENT } from '../../patience.ts';
import { type Served, serve } from './serve.ts';

const running: Served[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((sandbox) => sandbox.stop()));
});

async function start(...parameters: Parameters<typeof serve>): Promise<Served> {
  const sandbox = await serve(...parameters);
  running.push(sandbox);
  return sandbox;
}

const alive = async (endpoint: string) => (await fetch(`${endpoint}/_sandbox/state`)).status;

/** Sends bytes, and hangs up at once without waiting for an answer. */
function hangUp(endpoint: string, bytes: string): Promise<void> {
  const { hostname, port } = new URL(endpoint);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes, () => socket.resetAndDestroy()));
    socket.on('close', () => resolve()).on('error', () => resolve());
  });
}

/** Sends bytes, and resolves with the answer's first line. */
function status(endpoint: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(endpoint);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on('error', reject).on('data', (data) => {
      socket.destroy();
      resolve(data.toString().split('\r\n')[0] ?? '');
    });
  });
}

const SIGNED = 'Authorization: AWS4-HMAC-SHA256 Credential=me/20261120/us-east-1/eks/aws4_request, SignedHeaders=host';

describe('the sandbox’s process', () => {
  test('outlives clients that hang up and requests that are none', async () => {
    const { endpoint, stop } = await start(worldOf([{}]));
    for (const path of ['/_sandbox/state', '/_sandbox/calls', '/clusters/demo'])
      await hangUp(endpoint, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${SIGNED}\r\n\r\n`);
    await hangUp(endpoint, `POST /_sandbox/faults HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n[`);
    await hangUp(endpoint, `POST /clusters HTTP/1.1\r\nHost: 127.0.0.1\r\n${SIGNED}\r\nContent-Length: 100\r\n\r\n{`);
    expect(await status(endpoint, 'GET // HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')).toBe('HTTP/1.1 403 Forbidden');
    expect(await status(endpoint, `GET /clusters/%ff HTTP/1.1\r\nHost: 127.0.0.1\r\n${SIGNED}\r\n\r\n`)).toBe(
      'HTTP/1.1 400 Bad Request',
    );
    expect(await status(endpoint, 'nonsense\r\n\r\n')).toBe('HTTP/1.1 400 Bad Request');
    expect(await alive(endpoint)).toBe(200);
    expect(await stop()).toMatchObject({ code: 0, stderr: '' });
    running.length = 0;
  });

  test('on SIGTERM ends with 0, takes its kubeconfig along, and its ports are free', async () => {
    const sandbox = await start(worldOf([{}]));
    const { clusters } = parse(readFileSync(sandbox.kubeconfig, 'utf8'));
    const ports = [sandbox.endpoint, clusters[0].cluster.server];
    running.length = 0;
    expect(await sandbox.stop('SIGTERM')).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(existsSync(sandbox.kubeconfig)).toBe(false);
    for (const port of ports) await expect(fetch(port)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });

  test('that was killed leaves nothing behind after the next one has started and stopped', async () => {
    const temporary = mkdtempSync(join(tmpdir(), 'temporary-'));
    const killed = await start(worldOf([{}]), { temporary });
    running.length = 0;
    const [left = ''] = readdirSync(temporary);
    // The launcher may have handed over to another process: the folder names the one that serves.
    process.kill(Number(left.split('-')[3]), 'SIGKILL');
    await killed.ended;
    rmSync(killed.home, { recursive: true });
    expect(readdirSync(temporary)).toEqual([left]);
    const [one, two] = [await start(worldOf([{}]), { temporary }), await start(worldOf([{}]), { temporary })];
    running.length = 0;
    // Neither took the other's.
    expect(existsSync(one.kubeconfig) && existsSync(two.kubeconfig)).toBe(true);
    expect(readdirSync(temporary)).toHaveLength(2);
    await Promise.all([one.stop(), two.stop()]);
    expect(readdirSync(temporary)).toEqual([]);
    rmSync(temporary, { recursive: true });
  });

  test('ends when its launcher was killed, and leaves nothing behind', async () => {
    const temporary = mkdtempSync(join(tmpdir(), 'temporary-'));
    const sandbox = await start(worldOf([{}]), { temporary });
    running.length = 0;
    const serving = Number(readdirSync(temporary)[0]?.split('-')[3]);
    // With Node 24 on the PATH the launcher serves by itself, and there is nobody whom it could leave behind.
    await sandbox.stop(serving === sandbox.child.pid ? 'SIGTERM' : 'SIGKILL');
    expect(readdirSync(temporary)).toEqual([]);
    rmSync(temporary, { recursive: true });
  });

  test('leaves a second one alone, and a third on the same port says that it is taken', async () => {
    const [first, second] = await Promise.all([start(worldOf([{}])), start(worldOf([{ name: 'other' }]))]);
    expect(await first.get('/_sandbox/state')).toMatchObject({ clusters: [{ name: 'demo' }] });
    expect(await second.get('/_sandbox/state')).toMatchObject({ clusters: [{ name: 'other' }] });
    const { port } = new URL(first.endpoint);
    await expect(serve(worldOf([{}]), { args: ['--port', port] })).rejects.toThrow(
      `port ${port} on 127.0.0.1 is taken by another program: PortInUse`,
    );
  });

  test('with --clock real takes the machine’s time for what takes time', async () => {
    const latencies = { addonUpdate: 0.3, podRestart: 0.05 };
    const { endpoint } = await start(worldOf([{}], { latencies }), { args: ['--clock', 'real'] });
    const eks = new EKS({ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });
    const addon = { clusterName: 'demo', addonName: 'kube-proxy' };
    const before = Date.now();
    const { update } = await eks.updateAddon({ ...addon, configurationValues: '{"mode":"ipvs"}' });
    const described = () => eks.describeUpdate({ name: 'demo', addonName: 'kube-proxy', updateId: update?.id });
    expect((await described()).update?.status).toBe('InProgress');
    await vi.waitFor(async () => expect((await described()).update?.status).toBe('Successful'), PATIENT);
    const { addon: after } = await eks.describeAddon(addon);
    expect(after).toMatchObject({ status: 'ACTIVE', configurationValues: '{"mode":"ipvs"}' });
    expect(Number(after?.modifiedAt)).toBeGreaterThanOrEqual(before + 240);
    eks.destroy();
  });
});
