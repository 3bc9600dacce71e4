import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentity } from '@smithy/types';
import { memoised } from './clients.ts';

const client = memoised((options) => new STSClient(options));

/** Assumes the role that the cluster's access entry names, for 15 minutes. Session names match `[\w+=,.@-]{2,64}`. */
export async function assumeRole(roleArn: string, session: string): Promise<AwsCredentialIdentity> {
  const sessionName = `nightshift-${session.replaceAll(/[^\w+=,.@-]/g, '-')}`.slice(0, 64);
  const { Credentials } = await client().send(
    new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: sessionName, DurationSeconds: 900 }),
  );
  if (!Credentials?.AccessKeyId || !Credentials.SecretAccessKey || !Credentials.SessionToken)
    throw new Error(`STS answered AssumeRole for ${roleArn} without credentials`);
  return {
    accessKeyId: Credentials.AccessKeyId,
    secretAccessKey: Credentials.SecretAccessKey,
    sessionToken: Credentials.SessionToken,
  };
}

/**
 * STS's own host in the Region, from the SDK's table: each partition has a domain of its own. An endpoint that the
 * environment sets is ignored.
 */
function stsHost(region: string): string {
  return client().config.endpointProvider({ Region: region, UseGlobalEndpoint: false }).url.hostname;
}

/**
 * A bearer token for the cluster's API server: a presigned STS GetCallerIdentity whose signed header names the
 * cluster. The token is valid for 15 minutes, but X-Amz-Expires must be 60. The host is always STS's own in the Region,
 * because the API server sends the request there and nowhere else.
 * https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster
 */
export async function eksToken(request: {
  cluster: string;
  region: string;
  credentials: AwsCredentialIdentity;
  signingDate?: Date;
}): Promise<string> {
  const { cluster, region, credentials, signingDate } = request;
  const hostname = stsHost(region);
  const signer = new SignatureV4({ service: 'sts', region, credentials, sha256: Sha256, applyChecksum: false });
  const signed = await signer.presign(
    {
      method: 'GET',
      protocol: 'https:',
      hostname,
      path: '/',
      query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
      headers: { host: hostname, 'x-k8s-aws-id': cluster },
    },
    {
      expiresIn: 60,
      unhoistableHeaders: new Set(['x-k8s-aws-id']),
      signableHeaders: new Set(['host', 'x-k8s-aws-id']),
      ...(signingDate && { signingDate }),
    },
  );
  const query = Object.entries(signed.query ?? {}).map(
    ([name, value]) => `${name}=${encodeURIComponent(String(value))}`,
  );
  return `k8s-aws-v1.${Buffer.from(`https://${hostname}/?${query.join('&')}`).toString('base64url')}`;
}
