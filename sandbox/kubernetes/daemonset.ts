import { z } from 'zod';
import type { KubeObject } from './object.ts';
import { isRecord, stableSuffix } from './object.ts';
import { RESOURCES } from './resources.ts';
import { type FieldProblem, invalid } from './status.ts';

const stringMap = z.record(z.string(), z.string());
const share = z.union([
  z.int().min(0),
  z.string().regex(/^\d+%$/, "a valid percent string must be a numeric string followed by an ending '%'"),
]);

const specSchema = z.looseObject({
  selector: z.looseObject({ matchLabels: stringMap }),
  template: z.looseObject({
    metadata: z.looseObject({ labels: stringMap, annotations: stringMap.optional() }),
    spec: z.looseObject({
      containers: z.array(z.looseObject({ name: z.string().min(1), image: z.string().min(1) })).min(1),
    }),
  }),
  updateStrategy: z
    .looseObject({
      type: z.enum(['RollingUpdate', 'OnDelete']).default('RollingUpdate'),
      rollingUpdate: z.looseObject({ maxUnavailable: share.default(1) }).nullish(),
    })
    .default({ type: 'RollingUpdate' }),
});

/** The parts of a DaemonSet's `spec` that its controller acts on. */
export type DaemonSetSpec = z.infer<typeof specSchema>;

/** The spec of a stored DaemonSet: `checkDaemonSet` has let it in. */
export function daemonSetSpec(object: KubeObject): DaemonSetSpec {
  return specSchema.parse(object['spec']);
}

/** Throws 422 with every field that is wrong, in the words of the API server where it has its own. */
export function checkDaemonSet(
  name: string,
  after: Readonly<Record<string, unknown>>,
  before: KubeObject | undefined,
): void {
  const parsed = specSchema.safeParse(after['spec']);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => problem(['spec', ...issue.path], issue.message));
    throw invalid(RESOURCES.daemonsets, name, problems);
  }
  const { selector, template, updateStrategy } = parsed.data;
  const problems: FieldProblem[] = [];
  if (!Object.entries(selector.matchLabels).every(([key, value]) => template.metadata.labels[key] === value))
    problems.push(problem(['spec', 'template', 'metadata', 'labels'], '`selector` does not match template `labels`'));
  if (maxUnavailable(parsed.data, 100) === 0 && updateStrategy.type === 'RollingUpdate')
    problems.push(
      problem(['spec', 'updateStrategy', 'rollingUpdate', 'maxUnavailable'], 'cannot be 0 when `maxSurge` is 0'),
    );
  if (before && JSON.stringify(daemonSetSpec(before).selector) !== JSON.stringify(selector))
    problems.push(problem(['spec', 'selector'], 'field is immutable'));
  if (problems.length > 0) throw invalid(RESOURCES.daemonsets, name, problems);
}

function problem(path: PropertyKey[], said: string): FieldProblem {
  const field = path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}${text === '' ? '' : '.'}${String(part)}`),
    '',
  );
  return { field, message: `Invalid value: ${said}` };
}

/** Pods that may be unavailable at once during a rollout: a percentage of `desired` is rounded up. */
export function maxUnavailable(spec: DaemonSetSpec, desired: number): number {
  const value = spec.updateStrategy.rollingUpdate?.maxUnavailable ?? 1;
  return typeof value === 'number' ? value : Math.ceil((Number.parseInt(value, 10) * desired) / 100);
}

/** The label `controller-revision-hash`: the same template has the same one, whatever the order of its fields. */
export function revisionHash(spec: DaemonSetSpec): string {
  return stableSuffix(10, JSON.stringify(sorted(spec.template)));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}
