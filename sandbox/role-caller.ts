import type { Caller } from './wire/operations.ts';

/** Who calls in a session of a role: in the log, the role's name. */
export function roleCaller(roleArn: string, session: string): Caller {
  const [, , , , account, path = ''] = roleArn.split(':');
  const principal = path.slice(path.lastIndexOf('/') + 1);
  return { principal, principalArn: `arn:aws:sts::${account}:assumed-role/${principal}/${session}` };
}
