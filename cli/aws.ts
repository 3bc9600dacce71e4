import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { loadSharedConfigFiles } from '@smithy/core/config';
import { Failure, UsageError } from './exit.ts';
import { sandboxCommand } from './terminal/paste.ts';

/** One account and Region of AWS, as the SDK's own configuration points at it, or a sandbox. */
export interface Connection {
  readonly region: string;
  /** The endpoint that replaces AWS's own; null for AWS itself. */
  readonly endpoint: string | null;
  readonly sfn: SFNClient;
  readonly s3: S3Client;
  readonly lambda: LambdaClient;
  readonly sts: STSClient;
  /** Settings for the clients of services that only some commands call. */
  readonly settings: ConnectionSettings & { retryMode: 'adaptive'; maxAttempts: number };
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
 * @throws UsageError when Region, credentials, profile or endpoint are missing or invalid. AWS is not called before.
 */
export async function connect(settings: ConnectionSettings = {}): Promise<Connection> {
  const endpoint = settings.endpoint ?? endpointInEnvironment();
  await requireProfile();
  const region = settings.region ?? regionInEnvironment();
  const config = { ...settings, ...(region !== null && { region }), retryMode: 'adaptive' as const, maxAttempts: 6 };
  const sfn = new SFNClient(config);
  const connection: Connection = {
    region: await regionOf(sfn),
    endpoint,
    sfn,
    // A custom endpoint has no DNS name for each bucket.
    s3: new S3Client({ ...config, forcePathStyle: endpoint !== null }),
    lambda: new LambdaClient(config),
    sts: new STSClient(config),
    settings: config,
    close: () => {
      for (const client of [connection.sfn, connection.s3, connection.lambda, connection.sts]) client.destroy();
    },
  };
  await requireCredentials(sfn);
  return connection;
}

/** The ARN of the user or role that these credentials belong to. */
export async function whoAsks(connection: Connection): Promise<string> {
  const identity = await asking(connection, 'find out whose credentials these are', () =>
    connection.sts.send(new GetCallerIdentityCommand({})),
  );
  return identity.Arn ?? 'an identity without an ARN';
}

/**
 * Runs one call and turns general failures (no answer, no permission, expired credentials) into one sentence. Other
 * errors are rethrown: the caller handles them.
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

/** The value of AWS_ENDPOINT_URL; null if it is not set. @throws UsageError when it is not an HTTP address */
function endpointInEnvironment(): string | null {
  const text = process.env['AWS_ENDPOINT_URL'];
  if (!text) return null;
  const url = URL.parse(text);
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return text;
  throw new UsageError(`AWS_ENDPOINT_URL is ${JSON.stringify(text)}, which is not an http or https address`, {
    nextStep: 'set it to the address that the sandbox prints, or unset it to reach AWS',
  });
}

/** A Region's name has the form of `eu-central-1`, `us-gov-west-1` or `us-iso-east-1`. */
const REGION = /^[a-z]{2,8}(?:-[a-z]{2,16}){1,3}-\d{1,2}$/;

/**
 * The Region of the environment. The SDK reads AWS_REGION alone; the AWS CLI reads AWS_DEFAULT_REGION as well, and both
 * before the profile's. https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html
 */
function regionInEnvironment(): string | null {
  for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION']) {
    const value = process.env[name];
    if (value) return checkedRegion(value, name);
  }
  return null;
}

function checkedRegion(value: string, source: string): string {
  if (REGION.test(value)) return value;
  throw new UsageError(
    `${source} is ${JSON.stringify(value.slice(0, 80))}, which cannot be the name of an AWS Region`,
    {
      nextStep: 'set it to a Region such as us-east-1',
    },
  );
}

async function regionOf(client: SFNClient): Promise<string> {
  let region: string;
  try {
    region = await client.config.region();
  } catch (cause) {
    throw new UsageError('no AWS Region is configured', {
      nextStep: 'set AWS_REGION, or choose a profile that has a Region with AWS_PROFILE',
      cause,
    });
  }
  return checkedRegion(region, "the profile's Region");
}

/** The SDK takes a profile that does not exist for an empty one. @throws UsageError when AWS_PROFILE names such a one */
async function requireProfile(): Promise<void> {
  const profile = process.env['AWS_PROFILE'];
  if (!profile) return;
  const { configFile, credentialsFile } = await loadSharedConfigFiles();
  if (profile in configFile || profile in credentialsFile) return;
  throw new UsageError(`AWS_PROFILE is ${JSON.stringify(profile)}, and no such profile is configured`, {
    nextStep: 'see which there are: aws configure list-profiles',
  });
}

async function requireCredentials(client: SFNClient): Promise<void> {
  try {
    await client.config.credentials();
  } catch (cause) {
    throw new UsageError('no AWS credentials were found', {
      nextStep:
        'sign in (aws sso login), choose a profile with AWS_PROFILE, or for a sandbox: export AWS_ACCESS_KEY_ID=me AWS_SECRET_ACCESS_KEY=me',
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
        ? `start it (${sandboxCommand()}), or unset AWS_ENDPOINT_URL to reach AWS`
        : `check the network, and that ${connection.region} is a Region of AWS`,
      cause: error,
    });
  }
  const wrong = unusableAnswer(error);
  if (wrong !== null) {
    const where = connection.endpoint ?? `AWS in ${connection.region}`;
    return new Failure('NoAnswer', `could not ${what}: ${where} gives no answer of AWS (${wrong})`, {
      nextStep: connection.endpoint
        ? 'set AWS_ENDPOINT_URL to the address that the sandbox prints, which begins with http://, or unset it to reach AWS'
        : 'check the network, and any proxy on the way to AWS',
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

/** Why the endpoint is not AWS: it does not speak TLS, does not speak HTTP, or its certificate is not trusted. */
function unusableAnswer(error: Error): string | null {
  if (error instanceof SyntaxError) return 'its answer is not JSON';
  const code = 'code' in error ? error.code : undefined;
  if (typeof code !== 'string') return null;
  if (code === 'EPROTO' || code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')) return `${code}: no TLS`;
  if (code.startsWith('HPE_')) return `${code}: no HTTP`;
  return CERTIFICATE.test(code) ? code : null;
}

/** https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const CERTIFICATE = /CERT|^UNABLE_TO_|CRL/;

/** The system's error code if nothing answered; Node wraps several attempts in an AggregateError. */
export function networkCode(error: Error): string | null {
  const causes = [error, error.cause, ...(error instanceof AggregateError ? error.errors : [])];
  for (const cause of causes)
    if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && NO_ANSWER.has(cause.code))
      return cause.code;
  return null;
}
