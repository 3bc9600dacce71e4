import * as z from 'zod/mini';
import { clusterName, parseEksArn } from '../values/cluster-name.ts';
import { parseInput } from '../values/parse-input.ts';

/**
 * EKS API calls as EventBridge delivers them from CloudTrail: only what is used is read, and that strictly. A call's
 * record says that it was made, not that what it began has ended.
 * https://docs.aws.amazon.com/eks/latest/userguide/logging-using-cloudtrail.html
 */

/** What every recorded call tells. */
export interface RecordedCall {
  /** CloudTrail's own id of the record: the same for every delivery of it. */
  eventId: string;
  /** The caller's ARN; `unknown` where CloudTrail has none, as for calls of AWS services. */
  by: string;
  /** Whether one of nightshift's own roles called. */
  own: boolean;
}

/** A call that EKS refused: it changed nothing, and its record may lack what was asked for. */
export interface RefusedCall extends RecordedCall {
  kind: 'refused';
  call: string;
  errorCode: string;
}

export interface ClusterCreated extends RecordedCall {
  kind: 'made';
  cluster: string;
  /** As they were given with the cluster. */
  tags: Record<string, string>;
}

export type AddonCallName = 'CreateAddon' | 'UpdateAddon' | 'DeleteAddon';

export interface AddonCall extends RecordedCall {
  kind: 'made';
  call: AddonCallName;
  cluster: string;
  addon: string;
  /** The configuration values that were sent; null where the call carried none. */
  configuration: string | null;
}

export interface ResourceTagged extends RecordedCall {
  kind: 'made';
  call: 'TagResource' | 'UntagResource';
  resourceArn: string;
  /** The cluster's name where the resource is a cluster, null for anything else. */
  cluster: string | null;
}

const object = <Shape extends Record<string, z.ZodMiniType>>(shape: Shape) =>
  z.object(shape, { error: 'must be a JSON object' });
const textRule = 'must be a text that is not empty';
const text = z.string({ error: textRule }).check(z.minLength(1, textRule));
const optional = z.nullish(z.string({ error: 'must be a text' }));
const ClusterName = clusterName("must be an EKS cluster's name");
const tagRule = 'must be an object of texts by tag key';
const Tags = z.nullish(z.record(z.string(), z.string({ error: 'must be a text' }), { error: tagRule }));

/** Reads the record of a call with these names; its parameters only if EKS did what was asked. */
const callOf = <const Names extends readonly string[], Parameters>(
  names: Names,
  parameters: z.ZodMiniType<{ detail: { requestParameters: Parameters } }>,
) => {
  const Envelope = object({
    source: z.literal('aws.eks', { error: 'must be "aws.eks"' }),
    'detail-type': z.literal('AWS API Call via CloudTrail', { error: 'must be "AWS API Call via CloudTrail"' }),
    detail: object({
      eventSource: z.literal('eks.amazonaws.com', { error: 'must be "eks.amazonaws.com"' }),
      eventName: z.enum(names, { error: `must be one of ${names.join(', ')}` }),
      eventID: text,
      userIdentity: z.nullish(object({ arn: optional, invokedBy: optional })),
      errorCode: optional,
    }),
  });
  return (event: unknown) => {
    const { detail } = parseInput(Envelope, event, 'The event');
    const { eventName: call, errorCode } = detail;
    if (typeof errorCode === 'string') return { kind: 'refused' as const, ...recorded(detail), call, errorCode };
    const { requestParameters } = parseInput(parameters, event, 'The event').detail;
    return { kind: 'made' as const, ...recorded(detail), call, requestParameters };
  };
};

const readCreateCluster = callOf(
  ['CreateCluster'],
  object({ detail: object({ requestParameters: object({ name: ClusterName, tags: Tags }) }) }),
);
// The URI's label is `name`; some records have the API's member name instead.
const AddonParameters = object({
  name: z.nullish(ClusterName),
  clusterName: z.nullish(ClusterName),
  addonName: text,
  configurationValues: optional,
});
const readAddon = callOf(
  ['CreateAddon', 'UpdateAddon', 'DeleteAddon'],
  object({ detail: object({ requestParameters: AddonParameters }) }),
);
const readTagging = callOf(
  ['TagResource', 'UntagResource'],
  object({ detail: object({ requestParameters: object({ resourceArn: text }) }) }),
);

/** A role of nightshift: the names of all its roles begin alike, whichever service or person assumed one. */
const OWN = /:assumed-role\/nightshift-/;

interface Recorded {
  eventID: string;
  userIdentity?: { arn?: string | null | undefined; invokedBy?: string | null | undefined } | null | undefined;
}

function recorded({ eventID, userIdentity }: Recorded): RecordedCall {
  const by = userIdentity?.arn ?? userIdentity?.invokedBy ?? 'unknown';
  return { eventId: eventID, by, own: OWN.test(by) };
}

/** Why a refused call is ignored. */
export const whyRefused = ({ errorCode }: RefusedCall): string => `EKS refused the call: ${errorCode}.`;

/**
 * Reads the record of a CreateCluster.
 * @throws InvalidRequest naming field and rule
 */
export function parseClusterCreated(event: unknown): ClusterCreated | RefusedCall {
  const read = readCreateCluster(event);
  if (read.kind === 'refused') return read;
  const { requestParameters, call: _, ...made } = read;
  return { ...made, cluster: requestParameters.name, tags: requestParameters.tags ?? {} };
}

/**
 * Reads the record of a CreateAddon, UpdateAddon or DeleteAddon, of any add-on.
 * @throws InvalidRequest naming field and rule
 */
export function parseAddonCall(event: unknown): AddonCall | RefusedCall {
  const read = readAddon(event);
  if (read.kind === 'refused') return read;
  const { requestParameters, ...made } = read;
  const { name, clusterName, addonName, configurationValues } = requestParameters;
  const cluster = parseInput(ClusterName, name ?? clusterName, 'detail.requestParameters.name');
  return { ...made, cluster, addon: addonName, configuration: configurationValues ?? null };
}

/**
 * Reads the record of a TagResource or UntagResource, of any resource.
 * @throws InvalidRequest naming field and rule
 */
export function parseResourceTagged(event: unknown): ResourceTagged | RefusedCall {
  const read = readTagging(event);
  if (read.kind === 'refused') return read;
  const { requestParameters, ...made } = read;
  const resourceArn = decoded(requestParameters.resourceArn);
  const named = parseEksArn(resourceArn);
  return { ...made, resourceArn, cluster: named?.addon === null ? named.cluster : null };
}

/** An ARN is part of the request's path, where its slashes are encoded; an ARN itself has no percent sign. */
function decoded(arn: string): string {
  try {
    return decodeURIComponent(arn);
  } catch {
    return arn;
  }
}
