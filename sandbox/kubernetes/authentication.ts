import { timingSafeEqual } from 'node:crypto';
import { isSandboxKey } from '../credentials.ts';
import { signatureMatches } from './presigned-url.ts';
import { unauthorized } from './status.ts';

/** Who is behind a request. `arn` is null for a cluster administrator, whom no access entry has to let in. */
export interface Identity {
  /** As the call log names it. */
  readonly principal: string;
  /** As Kubernetes' messages name it. */
  readonly username: string;
  readonly arn: string | null;
}

/** Issued AWS credentials by access key id. */
export interface CredentialSource {
  find(accessKeyId: string): { principal: string; arn: string; secretAccessKey: string } | undefined;
}

/** The IAM principal that made the cluster. */
export interface Creator {
  readonly principal: string;
  readonly arn: string;
}

export interface Authenticator {
  readonly cluster: string;
  readonly region: string;
  readonly adminToken: string;
  /** The sandbox's time. */
  readonly now: () => Date;
  readonly credentials: CredentialSource;
  /** The owner of every access key that the sandbox did not issue; undefined: such keys are refused. */
  readonly creator: Creator | undefined;
  /** Hosts besides the regional STS endpoint for which tokens may be signed: the sandbox's own. */
  readonly stsHosts: () => readonly string[];
}

const PREFIX = 'k8s-aws-v1.';
const LIFETIME = 15 * 60_000;
// AWS allows clocks to differ by this much.
const SKEW = 5 * 60_000;

const isValid = (age: number): boolean => age <= LIFETIME && age >= -SKEW;

/** Reads `Authorization: Bearer`; throws 401 for anything but the administrator's token or a valid EKS token. */
export function authenticate(authorization: string | undefined, by: Authenticator): Identity {
  const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) throw unauthorized();
  if (same(token, by.adminToken)) return { principal: 'person', username: 'kubernetes-admin', arn: null };
  if (!token.startsWith(PREFIX)) throw unauthorized();
  return awsIdentity(token.slice(PREFIX.length), by);
}

function same(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * What aws-iam-authenticator checks of a token: https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster
 * It would then call the URL at STS; here the signature is checked with the issued secret instead, where there is one. The token's age is
 * real time, as its signer's clock is.
 */
function awsIdentity(encoded: string, by: Authenticator): Identity {
  if (!/^[A-Za-z0-9_-]+$/.test(encoded)) throw unauthorized();
  const text = Buffer.from(encoded, 'base64url').toString('utf8');
  if (!URL.canParse(text)) throw unauthorized();
  const url = new URL(text);
  const query = url.searchParams;
  const hosts = [`sts.${by.region}.amazonaws.com`, ...by.stsHosts()];
  const signedHeaders = (query.get('X-Amz-SignedHeaders') ?? '').split(';');
  const signedAt = parseAmzDate(query.get('X-Amz-Date') ?? '');
  const wellFormed =
    hosts.includes(url.host) &&
    url.pathname === '/' &&
    query.get('Action') === 'GetCallerIdentity' &&
    query.get('X-Amz-Algorithm') === 'AWS4-HMAC-SHA256' &&
    query.get('X-Amz-Expires') === '60' &&
    signedHeaders.includes('x-k8s-aws-id') &&
    new Set(query.keys()).size === [...query.keys()].length;
  if (!wellFormed || signedAt === undefined) throw unauthorized();
  // A function signs at the sandbox's time, a person's tools at the machine's.
  if (![by.now().getTime(), Date.now()].some((now) => isValid(now - signedAt))) throw unauthorized();
  const accessKeyId = (query.get('X-Amz-Credential') ?? '').split('/')[0] ?? '';
  const known = by.credentials.find(accessKeyId);
  if (!known) return creatorIdentity(accessKeyId, by);
  if (!signatureMatches(url, { host: url.host, 'x-k8s-aws-id': by.cluster }, known.secretAccessKey))
    throw unauthorized();
  return { principal: known.principal, username: known.arn, arn: known.arn };
}

/**
 * A key that was never issued is the person's own, as on the sandbox's AWS APIs: `aws eks get-token` works with whatever
 * is in their environment. Its secret is not known here, so its signature cannot be checked. The person made the
 * clusters, and a cluster's creator is its administrator without an access entry:
 * https://docs.aws.amazon.com/eks/latest/userguide/grant-k8s-access.html
 * A key in the sandbox's own form does not belong to a person, but to a function of a discarded world.
 */
function creatorIdentity(accessKeyId: string, { creator }: Authenticator): Identity {
  if (!creator || accessKeyId === '' || isSandboxKey(accessKeyId)) throw unauthorized();
  return { principal: creator.principal, username: creator.arn, arn: null };
}

/** `20261107T020000Z` in milliseconds. */
function parseAmzDate(text: string): number | undefined {
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
