import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorld, type World } from './world.ts';

const run = promisify(execFile);
const present = spawnSync('kubectl', ['version', '--client']).status === 0;
if (!present)
  console.warn('kubectl is not on the PATH: its tests are skipped (https://kubernetes.io/docs/tasks/tools/)');

describe.skipIf(!present)('a stock kubectl', () => {
  let world: World;
  let directory: string;
  beforeAll(async () => {
    world = await startWorld({ services: 1_200 });
    directory = mkdtempSync(join(tmpdir(), 'kubectl-'));
    writeFileSync(join(directory, 'kubeconfig'), world.kubeconfig);
    const editor = join(directory, 'editor');
    writeFileSync(
      editor,
      '#!/bin/sh\nsed -i -e \'s/mode: .*tables.*/mode: "ipvs"/\' -e \'s/scheduler: .*/scheduler: "rr"/\' "$1"\n',
    );
    chmodSync(editor, 0o755);
  });
  afterAll(async () => {
    await world.api.close();
    rmSync(directory, { recursive: true });
  });

  /** Its output; `code` of the error is the exit code where it fails. */
  async function kubectl(...words: string[]): Promise<string> {
    const environment = {
      PATH: process.env['PATH'],
      HOME: directory,
      KUBECONFIG: join(directory, 'kubeconfig'),
      KUBE_EDITOR: join(directory, 'editor'),
    };
    return (await run('kubectl', words, { env: environment })).stdout;
  }

  const system = (...words: string[]) => kubectl('--namespace', 'kube-system', ...words);

  test('gets what the API holds, in the columns of a real cluster', async () => {
    const sets = (await system('get', 'ds', 'kube-proxy')).trim().split('\n');
    expect(sets.map((line) => line.trim().split(/\s{2,}/))).toEqual([
      ['NAME', 'DESIRED', 'CURRENT', 'READY', 'UP-TO-DATE', 'AVAILABLE', 'NODE SELECTOR', 'AGE'],
      ['kube-proxy', '3', '3', '3', '3', '3', '<none>', '36d'],
    ]);
    expect((await system('get', 'pods', '--no-headers')).trim().split('\n')).toHaveLength(3);
    expect(await system('get', 'cm', '-o', 'name')).toBe('configmap/kube-proxy\nconfigmap/kube-proxy-config\n');
    expect((await kubectl('get', 'svc', '-A', '--no-headers')).trim().split('\n')).toHaveLength(1_202);
    expect(await kubectl('get', 'nodes', '-o', 'wide')).toContain('Amazon Linux 2023');
    expect(await kubectl('version')).toContain('Server Version: v1.34.0-eks-sandbox');
  });

  test('restarts the DaemonSet and waits for the end of the rollout', async () => {
    expect(await system('rollout', 'restart', 'ds', 'kube-proxy')).toBe('daemonset.apps/kube-proxy restarted\n');
    expect(await system('rollout', 'status', 'ds', 'kube-proxy')).toContain('successfully rolled out');
    expect([...world.machines.values()].map((machine) => machine.starts.length)).toEqual([2, 2, 2]);
  });

  test('edits the ConfigMap as the manual tells', async () => {
    expect(await system('edit', 'cm', 'kube-proxy-config')).toBe('configmap/kube-proxy-config edited\n');
    expect(world.api.kubeProxyConfig()).toEqual({ mode: 'ipvs', scheduler: 'rr' });
  });

  test.each([
    ['strategic', '{"metadata":{"labels":{"kind":"strategic"}}}'],
    ['merge', '{"metadata":{"labels":{"kind":"merge"}}}'],
    ['json', '[{"op":"replace","path":"/metadata/labels/kind","value":"json"}]'],
  ])('patches, type %s', async (type, patch) => {
    expect(await system('patch', 'ds', 'kube-proxy', '--type', type, '-p', patch)).toBe(
      'daemonset.apps/kube-proxy patched\n',
    );
    expect(await system('get', 'ds', 'kube-proxy', '-o', 'jsonpath={.metadata.labels.kind}')).toBe(type);
  });

  test('deletes a pod, which comes back', async () => {
    const [first = ''] = (await system('get', 'pods', '-o', 'name')).split('\n');
    expect(await system('delete', first)).toMatch(/^pod "kube-proxy-\w+" deleted/);
    await system('wait', '--for=condition=Ready', 'pod', '-l', 'k8s-app=kube-proxy', '--timeout=600s');
    expect(await system('get', 'pods', '-o', 'name')).not.toContain(first);
    expect((await system('get', 'pods', '--no-headers')).trim().split('\n')).toHaveLength(3);
  });

  test('describes a DaemonSet and a pod', async () => {
    expect(await system('describe', 'ds', 'kube-proxy')).toContain('Desired Number of Nodes Scheduled: 3');
    expect(await system('describe', 'pod', '-l', 'k8s-app=kube-proxy')).toMatch(
      /Controlled By: +DaemonSet\/kube-proxy/,
    );
  });

  test('applies a ConfigMap of its own, twice, and reports a field that does not exist', async () => {
    const file = join(directory, 'configmap.yaml');
    const manifest = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\ndata: {a: b}\n';
    writeFileSync(file, manifest);
    expect(await kubectl('apply', '-f', file)).toBe('configmap/own created\n');
    expect(await kubectl('apply', '-f', file)).toBe('configmap/own unchanged\n');
    writeFileSync(file, `${manifest}dtaa: {c: d}\n`);
    await expect(kubectl('apply', '-f', file)).rejects.toMatchObject({
      stderr: expect.stringContaining('unknown field "dtaa"'),
    });
  });

  test('says what is not there', async () => {
    await expect(system('get', 'ds', 'none')).rejects.toMatchObject({
      code: 1,
      stderr: 'Error from server (NotFound): daemonsets.apps "none" not found\n',
    });
    await expect(kubectl('--token', 'wrong', 'get', 'nodes')).rejects.toMatchObject({
      stderr: expect.stringContaining('You must be logged in to the server'),
    });
  });
});
