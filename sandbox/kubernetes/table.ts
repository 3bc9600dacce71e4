import { isRecord, type KubeObject, record } from './object.ts';
import type { ResourceType } from './resources.ts';

interface Column {
  readonly name: string;
  /** Shown with `-o wide` only. */
  readonly wide?: true;
  readonly cell: (object: KubeObject, now: Date) => string | number;
}

const NAME: Column = { name: 'Name', cell: (object) => object.metadata.name };
const AGE: Column = { name: 'Age', cell: (object, now) => age(object.metadata.creationTimestamp, now) };

/** As kubectl prints durations: `45s`, `5m`, `3h`, `2d`. */
function age(since: string, now: Date): string {
  const seconds = Math.max(0, Math.floor((now.getTime() - Date.parse(since)) / 1_000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

const spec = (object: KubeObject) => record(object['spec']);
const status = (object: KubeObject) => record(object['status']);

function items(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function text(value: unknown, otherwise = '<none>'): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : otherwise;
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function pairs(value: unknown): string {
  const list = Object.entries(record(value)).map(([key, entry]) => `${key}=${text(entry)}`);
  return list.length === 0 ? '<none>' : list.join(',');
}

function wide(name: string, cell: Column['cell']): Column {
  return { name, wide: true, cell };
}

function nodeInfo(object: KubeObject, field: string): string {
  return text(record(status(object)['nodeInfo'])[field], '<unknown>');
}

function ready(object: KubeObject): string {
  const condition = items(status(object)['conditions']).find((entry) => entry['type'] === 'Ready');
  const state = condition?.['status'] === 'True' ? 'Ready' : 'NotReady';
  return spec(object)['unschedulable'] === true ? `${state},SchedulingDisabled` : state;
}

function address(object: KubeObject, type: string): string {
  return text(items(status(object)['addresses']).find((entry) => entry['type'] === type)?.['address']);
}

function containers(object: KubeObject): Record<string, unknown>[] {
  return items(status(object)['containerStatuses']);
}

function podPhase(object: KubeObject): string {
  const waiting = containers(object).map((entry) => record(record(entry['state'])['waiting'])['reason']);
  return text(waiting.find((reason) => reason !== undefined) ?? status(object)['phase']);
}

function podContainers(object: KubeObject): Record<string, unknown>[] {
  return items(record(record(spec(object)['template'])['spec'])['containers']);
}

function servicePorts(object: KubeObject): string {
  const ports = items(spec(object)['ports']).map((port) => `${text(port['port'])}/${text(port['protocol'])}`);
  return ports.length === 0 ? '<none>' : ports.join(',');
}

function shortened(values: string[]): string {
  if (values.length === 0) return '<none>';
  return values.length <= 3 ? values.join(',') : `${values.slice(0, 3).join(',')} + ${values.length - 3} more...`;
}

function endpoints(object: KubeObject): string {
  return shortened(
    items(object['subsets']).flatMap((subset) =>
      items(subset['ports']).flatMap((port) =>
        items(subset['addresses']).map((entry) => `${text(entry['ip'])}:${text(port['port'])}`),
      ),
    ),
  );
}

function scheduled(field: string): Column['cell'] {
  return (object) => count(status(object)[field]);
}

/** kube-apiserver's own columns: https://github.com/kubernetes/kubernetes/blob/master/pkg/printers/internalversion/printers.go */
const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  Node: [
    NAME,
    { name: 'Status', cell: ready },
    { name: 'Roles', cell: () => '<none>' },
    AGE,
    { name: 'Version', cell: (object) => nodeInfo(object, 'kubeletVersion') },
    wide('Internal-IP', (object) => address(object, 'InternalIP')),
    wide('External-IP', (object) => address(object, 'ExternalIP')),
    wide('OS-Image', (object) => nodeInfo(object, 'osImage')),
    wide('Kernel-Version', (object) => nodeInfo(object, 'kernelVersion')),
    wide('Container-Runtime', (object) => nodeInfo(object, 'containerRuntimeVersion')),
  ],
  Pod: [
    NAME,
    {
      name: 'Ready',
      cell: (object) =>
        `${containers(object).filter((entry) => entry['ready'] === true).length}/${items(spec(object)['containers']).length}`,
    },
    { name: 'Status', cell: podPhase },
    { name: 'Restarts', cell: (object) => count(containers(object)[0]?.['restartCount']) },
    AGE,
    wide('IP', (object) => text(status(object)['podIP'])),
    wide('Node', (object) => text(spec(object)['nodeName'])),
    wide('Nominated Node', () => '<none>'),
    wide('Readiness Gates', () => '<none>'),
  ],
  DaemonSet: [
    NAME,
    { name: 'Desired', cell: scheduled('desiredNumberScheduled') },
    { name: 'Current', cell: scheduled('currentNumberScheduled') },
    { name: 'Ready', cell: scheduled('numberReady') },
    { name: 'Up-to-date', cell: scheduled('updatedNumberScheduled') },
    { name: 'Available', cell: scheduled('numberAvailable') },
    {
      name: 'Node Selector',
      cell: (object) => pairs(record(record(spec(object)['template'])['spec'])['nodeSelector']),
    },
    AGE,
    wide('Containers', (object) =>
      podContainers(object)
        .map((entry) => text(entry['name']))
        .join(','),
    ),
    wide('Images', (object) =>
      podContainers(object)
        .map((entry) => text(entry['image']))
        .join(','),
    ),
    wide('Selector', (object) => pairs(record(spec(object)['selector'])['matchLabels'])),
  ],
  ConfigMap: [
    NAME,
    {
      name: 'Data',
      cell: (object) => Object.keys(record(object['data'])).length + Object.keys(record(object['binaryData'])).length,
    },
    AGE,
  ],
  Service: [
    NAME,
    { name: 'Type', cell: (object) => text(spec(object)['type']) },
    { name: 'Cluster-IP', cell: (object) => text(spec(object)['clusterIP']) },
    { name: 'External-IP', cell: () => '<none>' },
    { name: 'Port(s)', cell: servicePorts },
    AGE,
    wide('Selector', (object) => pairs(spec(object)['selector'])),
  ],
  Namespace: [NAME, { name: 'Status', cell: (object) => text(status(object)['phase']) }, AGE],
  Endpoints: [NAME, { name: 'Endpoints', cell: endpoints }, AGE],
  EndpointSlice: [
    NAME,
    { name: 'AddressType', cell: (object) => text(object['addressType']) },
    { name: 'Ports', cell: (object) => shortened(items(object['ports']).map((port) => text(port['port']))) },
    {
      name: 'Endpoints',
      cell: (object) =>
        shortened(
          items(object['endpoints']).flatMap((entry) =>
            Array.isArray(entry['addresses']) ? entry['addresses'].map(String) : [],
          ),
        ),
    },
    AGE,
  ],
};

/** Whether a client asks for tables, as `kubectl get` does. */
export function wantsTable(accept: string): boolean {
  return accept.split(',').some((media) => /;\s*as=Table\b/.test(media) && /;\s*v=v1\b/.test(media));
}

/**
 * Objects as a `Table`; https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
 * `include`: what each row carries of its object.
 */
export function table(
  type: ResourceType,
  objects: readonly KubeObject[],
  listMeta: Record<string, unknown>,
  options: { now: Date; include: 'Metadata' | 'Object' | 'None' },
): Record<string, unknown> {
  const columns = COLUMNS[type.kind] ?? [NAME, AGE];
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: listMeta,
    columnDefinitions: columns.map((column) => ({
      name: column.name,
      type: 'string',
      format: column.name === 'Name' ? 'name' : '',
      description: '',
      priority: column.wide ? 1 : 0,
    })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.cell(object, options.now)),
      ...(options.include === 'None' ? {} : { object: options.include === 'Object' ? object : partial(object) }),
    })),
  };
}

function partial({ metadata }: KubeObject): Record<string, unknown> {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}
