import { expect, test } from 'vitest';
import { eksToken } from '../../../functions/aws/eks-token.ts';

const request = {
  cluster: 'demo',
  region: 'eu-west-1',
  credentials: {
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    sessionToken: 'tok/en+with=chars',
  },
  signingDate: new Date('2026-11-21T07:00:00Z'),
};

const urlIn = (token: string) => new URL(Buffer.from(token.slice('k8s-aws-v1.'.length), 'base64url').toString());

test('a token is an unpadded presigned GetCallerIdentity that names the cluster in a signed header', async () => {
  const token = await eksToken(request);
  expect(token).toMatch(/^k8s-aws-v1\.[A-Za-z0-9_-]+$/);
  expect(Object.fromEntries(urlIn(token).searchParams)).toEqual({
    Action: 'GetCallerIdentity',
    Version: '2011-06-15',
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': 'AKIDEXAMPLE/20261121/eu-west-1/sts/aws4_request',
    'X-Amz-Date': '20261121T070000Z',
    'X-Amz-Expires': '60',
    'X-Amz-Security-Token': 'tok/en+with=chars',
    // `aws eks get-token` signs the same request of the same second with the same 64 digits.
    'X-Amz-Signature': 'e833ee8102455965f977949ec5a1be18bc19dd4da57ad52ddb27d8d6fda85671',
    'X-Amz-SignedHeaders': 'host;x-k8s-aws-id',
  });
});

test.each([
  ['us-east-1', 'sts.us-east-1.amazonaws.com'],
  ['us-gov-west-1', 'sts.us-gov-west-1.amazonaws.com'],
  ['cn-north-1', 'sts.cn-north-1.amazonaws.com.cn'],
  ['us-iso-east-1', 'sts.us-iso-east-1.c2s.ic.gov'],
])('a token for a cluster in %s names the host %s', async (region, host) => {
  expect(urlIn(await eksToken({ ...request, region })).host).toBe(host);
});

test('a token names STS itself, even if the SDK has another endpoint', async () => {
  process.env['AWS_ENDPOINT_URL'] = 'http://127.0.0.1:4566';
  try {
    expect(urlIn(await eksToken(request)).origin).toBe('https://sts.eu-west-1.amazonaws.com');
  } finally {
    delete process.env['AWS_ENDPOINT_URL'];
  }
});
