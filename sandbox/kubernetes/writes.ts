import { z } from 'zod';
import { checkDaemonSet } from './daemonset.ts';
import { managed } from './managed-fields.ts';
import { type Draft, isRecord, type KubeObject, parseDraft, record } from './object.ts';
import { applyPatchTo, patchType } from './patch.ts';
import { type ApiRequest, json, type Reply } from './request.ts';
import { apiVersion, type ResourceType } from './resources.ts';
import { badRequest, type FieldProblem, invalid, KubernetesError, unsupportedMediaType } from './status.ts';
import type { Store } from './store.ts';

function dryRun(query: URLSearchParams): boolean {
  const value = query.get('dryRun');
  if (value !== null && value !== 'All')
    throw badRequest(`dryRun: Unsupported value: "${value}": supported values: "All"`);
  return value === 'All';
}

/** POST to a collection. */
export function createObject(store: Store, request: ApiRequest): Reply {
  const { type, namespace } = request.path;
  jsonOnly(request.contentType);
  const draft = placed(parseDraft(named(request.body)), type, namespace);
  if (draft.metadata.name === '')
    throw invalid(type, '', [{ field: 'metadata.name', message: 'Required value: name is required' }]);
  validate(type, draft, undefined, request.query);
  return json(
    201,
    store.json(store.create(type, withManagers(request, undefined, draft), { dryRun: dryRun(request.query) })),
  );
}

/** PUT of one object; throws 409 when it carries another resource version than the stored one. */
export function updateObject(store: Store, request: ApiRequest): Reply {
  const { type, namespace, name = '' } = request.path;
  jsonOnly(request.contentType);
  const draft = placed(parseDraft(request.body), type, namespace);
  if (draft.metadata.name !== name)
    throw badRequest(`the name of the object (${draft.metadata.name}) does not match the name on the URL (${name})`);
  return replace(store, request, store.get(type, namespace, name), draft);
}

/** PATCH: strategic merge, JSON merge or JSON patch. */
export function patchObject(store: Store, request: ApiRequest): Reply {
  const { type, namespace, name = '' } = request.path;
  const kind = patchType(request.contentType);
  if (kind === undefined) {
    const apply = request.contentType.startsWith('application/apply-patch')
      ? ' (the sandbox has no server-side apply)'
      : '';
    throw unsupportedMediaType(
      `the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json${apply}`,
    );
  }
  const before = store.get(type, namespace, name);
  const patched = applyPatchTo(before, kind, request.body);
  const draft = parsePatched(type, name, patched);
  if (draft.metadata.name !== name || draft.metadata.namespace !== namespace)
    throw invalid(type, name, [{ field: 'metadata.name', message: 'Invalid value: field is immutable' }]);
  return replace(store, request, before, draft);
}

const preconditions = z.looseObject({
  preconditions: z.looseObject({ uid: z.string().nullish(), resourceVersion: z.string().nullish() }).nullish(),
});

/** DELETE of one object, with preconditions; answers the object. */
export function deleteObject(store: Store, request: ApiRequest): Reply {
  const { type, namespace, name = '' } = request.path;
  const before = store.get(type, namespace, name);
  const options = preconditions.safeParse(request.body ?? {});
  if (!options.success) throw badRequest('DeleteOptions: preconditions are not an object');
  const { uid, resourceVersion } = options.data.preconditions ?? {};
  samePrecondition('UID', uid, before.metadata.uid);
  samePrecondition('ResourceVersion', resourceVersion, before.metadata.resourceVersion);
  if (dryRun(request.query)) return json(200, store.json(before));
  return json(200, store.json(store.remove(type, namespace, name)));
}

function samePrecondition(what: string, wanted: string | null | undefined, is: string): void {
  if (wanted === undefined || wanted === null || wanted === is) return;
  const message = `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${is}`;
  throw new KubernetesError(409, 'Conflict', message);
}

function replace(store: Store, request: ApiRequest, before: KubeObject, draft: Draft): Reply {
  const { type } = request.path;
  if (draft.metadata.uid !== undefined) samePrecondition('UID', draft.metadata.uid, before.metadata.uid);
  validate(type, draft, before, request.query);
  return json(
    200,
    store.json(store.update(type, withManagers(request, before, draft), { dryRun: dryRun(request.query) })),
  );
}

/** A client does not write `managedFields` itself. They are kept of DaemonSets alone. */
function withManagers({ path, query, agent }: ApiRequest, before: KubeObject | undefined, draft: Draft): Draft {
  if (path.type.kind !== 'DaemonSet') return draft;
  const managedFields = managed(before, draft, query.get('fieldManager') || agent);
  return { ...draft, metadata: { ...draft.metadata, managedFields } };
}

function jsonOnly(contentType: string): void {
  if (contentType === 'application/json' || contentType === '') return;
  throw unsupportedMediaType(
    `the body of the request was in an unknown format - accepted media types include: application/json (got ${contentType})`,
  );
}

/** A body without a name gets an empty one: it is then refused as invalid, not as unreadable. */
function named(body: unknown): unknown {
  if (!isRecord(body)) return body;
  return { ...body, metadata: { name: '', ...record(body['metadata']) } };
}

/** Kind and namespace must be those of the URL. */
function placed(draft: Draft, type: ResourceType, namespace: string | undefined): Draft {
  if (draft.kind !== type.kind || draft.apiVersion !== apiVersion(type))
    throw badRequest(`${draft.kind} in version "${draft.apiVersion}" cannot be handled as a ${type.kind}`);
  const own = draft.metadata.namespace ?? namespace;
  if (own !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  return { ...draft, metadata: { ...draft.metadata, ...(namespace === undefined ? {} : { namespace }) } };
}

/** A patch may have made an invalid object: 422 with the fields. */
function parsePatched(type: ResourceType, name: string, patched: unknown): Draft {
  try {
    return parseDraft(patched);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw invalid(type, name, [{ field: 'metadata', message: `Invalid value: ${message}` }]);
  }
}

const strings = z.record(z.string().regex(/^[-._a-zA-Z0-9]+$/), z.string());

function validate(type: ResourceType, draft: Draft, before: KubeObject | undefined, query: URLSearchParams): void {
  const { name } = draft.metadata;
  if (query.get('fieldValidation') === 'Strict' && type.fields) knownFields(type, draft);
  if (type.kind === 'DaemonSet') checkDaemonSet(name, draft, before);
  if (type.kind === 'ConfigMap') checkConfigMap(type, draft, before);
  if (!/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(name) || name.length > 253) {
    const message = `Invalid value: "${name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`;
    throw invalid(type, name, [{ field: 'metadata.name', message }]);
  }
}

function knownFields(type: ResourceType, draft: Draft): void {
  const known = ['apiVersion', 'kind', 'metadata', ...(type.fields ?? [])];
  const unknown = Object.keys(draft).filter((field) => !known.includes(field));
  if (unknown.length === 0) return;
  const list = unknown.map((field) => `unknown field "${field}"`).join(', ');
  throw badRequest(
    `${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: strict decoding error: ${list}`,
  );
}

function checkConfigMap(type: ResourceType, draft: Draft, before: KubeObject | undefined): void {
  const problems: FieldProblem[] = [];
  for (const field of ['data', 'binaryData']) {
    const parsed = strings.safeParse(draft[field] ?? {});
    if (!parsed.success)
      for (const issue of parsed.error.issues)
        problems.push({ field: [field, ...issue.path].join('.'), message: `Invalid value: ${issue.message}` });
  }
  if (before?.['immutable'] === true && JSON.stringify(before['data']) !== JSON.stringify(draft['data']))
    problems.push({ field: 'data', message: 'Forbidden: field is immutable when `immutable` is set' });
  if (problems.length > 0) throw invalid(type, draft.metadata.name, problems);
}
