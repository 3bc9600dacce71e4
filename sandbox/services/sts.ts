import type * as Sdk from '@aws-sdk/client-sts';
import type { Credentials } from '../credentials.ts';
import { ServiceError } from '../wire/error.ts';
import { type Operations, operations } from '../wire/operations.ts';

/** AWS STS: who one is, and roles to assume. Every role may be assumed by everybody: IAM is not simulated. */
export function stsService(options: { account: string; credentials: Credentials }): Operations {
  const { account, credentials } = options;
  return operations<typeof Sdk>({
    GetCallerIdentity: (_input, { principal, principalArn }) => ({
      UserId: `AIDASANDBOX:${principal}`,
      Account: account,
      Arn: principalArn,
    }),
    AssumeRole: ({ RoleArn, RoleSessionName, DurationSeconds = 3600 }) => {
      const [, roleAccount, role] = /^arn:aws[\w-]*:iam::(\d{12}):role\/(?:.*\/)?([\w+=,.@-]+)$/.exec(RoleArn) ?? [];
      if (role === undefined) throw invalid(`${RoleArn} is invalid`);
      if (!/^[\w+=,.@-]{2,64}$/.test(RoleSessionName))
        throw invalid(
          `1 validation error detected: Value '${RoleSessionName}' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*`,
        );
      if (DurationSeconds < 900 || DurationSeconds > 43_200)
        throw invalid(
          `1 validation error detected: Value '${DurationSeconds}' at 'durationSeconds' failed to satisfy constraint: Member must be between 900 and 43200`,
        );
      const arn = `arn:aws:sts::${roleAccount}:assumed-role/${role}/${RoleSessionName}`;
      const key = credentials.issue(`${role}/${RoleSessionName}`, arn);
      return {
        Credentials: {
          AccessKeyId: key.accessKeyId,
          SecretAccessKey: key.secretAccessKey,
          SessionToken: key.sessionToken,
          // On the machine's clock, not the sandbox's: SDKs compare it with the time that they sign with.
          Expiration: new Date(Date.now() + DurationSeconds * 1000),
        },
        AssumedRoleUser: { AssumedRoleId: `AROASANDBOX:${RoleSessionName}`, Arn: arn },
      };
    },
  });
}

function invalid(message: string): ServiceError {
  return new ServiceError('ValidationError', message);
}
