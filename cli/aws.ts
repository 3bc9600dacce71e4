import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { Failure, UsageError } from './exit.ts';

/** One account and Region of AWS, as the SDK's own configuration points at it, or a sandbox. */
export interface Connection {
  readonly region: string;
  /** What stands in for AWS's own endpoints; null for AWS itself. */
  readonly endpoint: string | null;
  readonly sfn: SFNClient;
  readonly s3: S3Client;
  readonly lambda: LambdaClient;
  readonly sts: STSClient;
  close(): void;
}

export interface ConnectionSettings {
  region?: string;
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
}

/**
 * Connects by the SDK's own rules (environment, profiles, AWS_ENDPOINT_URL) unless `settings` says otherwise.
 *
 * @throws UsageError when there is no Region or there are no credentials: nothing was asked of AWS yet.
 */
export async function connect(settings: ConnectionSettings = {}): Promise<Connection> {
  const endpoint = settings.endpoint ?? (process.env['AWS_ENDPOINT_URL'] || null);
  const config = { ...settings, retryMode: 'adaptive', maxAttempts: 6 };
  const sfn = new SFNClient(config);
  const connection: Connection = {
    region: await regionOf(sfn),
    endpoint,
    sfn,
    // A stand-in has no DNS name per bucket.
    s3: new S3Client({ ...config, forcePathStyle: endpoint !== null }),
    lambda: new LambdaClient(config),
    sts: new STSClient(config),
    close: () => {
      for (const client of [connection.sfn, connection.s3, connection.lambda, connection.sts]) client.destroy();
    },
  };
  await requireCredentials(sfn);
  return connection;
}

/** ARN of whoever's credentials these are. */
export async function whoAsks(connection: Connection): Promise<string> {
  const identity = await asking(connection, 'tell whose credentials these are', () =>
    connection.sts.send(new GetCallerIdentityCommand({})),
  );
  return identity.Arn ?? 'an identity without an ARN';
}

/**
 * Runs one call and turns the ways in which AWS cannot be asked at all (no answer, no permission, credentials that have
 * expired) into one sentence. Other errors pass: the caller knows what they mean.
 *
 * @throws Failure
 */
export async function asking<T>(connection: Connection, what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw explain(error, connection, what);
  }
}

async function regionOf(client: SFNClient): Promise<string> {
  try {
    return await client.config.region();
  } catch (cause) {
    throw new UsageError('no AWS Region is configured', {
      nextStep: 'set AWS_REGION, or choose a profile that has a Region with AWS_PROFILE',
      cause,
    });
  }
}

async function requireCredentials(client: SFNClient): Promise<void> {
  try {
    await client.config.credentials();
  } catch (cause) {
    throw new UsageError('no AWS credentials were found', {
      nextStep:
        'sign in (aws sso login, or AWS_PROFILE), or for a sandbox set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to anything',
      cause,
    });
  }
}

const NO_ANSWER = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'ECONNRESET', 'EHOSTUNREACH']);
const NO_PERMISSION = new Set(['AccessDeniedException', 'AccessDenied', 'UnauthorizedOperation']);
const BAD_CREDENTIALS = new Set([
  'ExpiredTokenException',
  'ExpiredToken',
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'CredentialsProviderError',
]);

function explain(error: unknown, connection: Connection, what: string): unknown {
  if (!(error instanceof Error)) return error;
  const code = networkCode(error);
  if (code !== null) {
    const where = connection.endpoint ?? `AWS in ${connection.region}`;
    return new Failure('NoAnswer', `could not ${what}: nothing answers at ${where} (${code})`, {
      nextStep: connection.endpoint
        ? 'start it (nightshift sandbox --world FILE), or unset AWS_ENDPOINT_URL to reach AWS'
        : 'check the network and the Region',
      cause: error,
    });
  }
  if (NO_PERMISSION.has(error.name))
    return new Failure(error.name, `could not ${what}: ${error.message}`, {
      nextStep: 'ask for the permission that the message names',
      cause: error,
    });
  if (BAD_CREDENTIALS.has(error.name))
    return new Failure(error.name, `could not ${what}: AWS does not accept these credentials: ${error.message}`, {
      nextStep: 'sign in again',
      cause: error,
    });
  return error;
}

/** The system's word for why nothing answered; Node wraps several attempts in an AggregateError. */
export function networkCode(error: Error): string | null {
  const causes = [error, error.cause, ...(error instanceof AggregateError ? error.errors : [])];
  for (const cause of causes)
    if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && NO_ANSWER.has(cause.code))
      return cause.code;
  return null;
}
