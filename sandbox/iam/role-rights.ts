import { type Stack, TemplateError } from '../template/stack.ts';
import { isAllowed, type Need } from './evaluate.ts';
import { roleStatements, type Statement } from './policies.ts';

/** Whether the policies of the role with this ARN allow what is needed. */
export type MayCall = (roleArn: string, need: Need) => boolean;

/**
 * The rights of a template's roles. A role that is not in the template, or whose policies the sandbox cannot read as a
 * whole (AWS's managed policies, NotAction), may do everything: the sandbox does not know what it may not do.
 */
export function roleRights(stack: Stack): MayCall {
  let roles: Map<string, Statement[]> | undefined;
  return (roleArn, need) => {
    roles ??= readableRoles(stack);
    const statements = roles.get(roleArn);
    const context = { 'aws:SecureTransport': 'true', 'aws:PrincipalArn': roleArn, ...need.context };
    return statements === undefined || isAllowed(statements, { ...need, context });
  };
}

/** ARN of each role → its statements. */
function readableRoles(stack: Stack): Map<string, Statement[]> {
  const roles = new Map<string, Statement[]>();
  for (const role of stack.all('AWS::IAM::Role')) {
    try {
      roles.set(role.identity.attributes['Arn'] ?? '', roleStatements(stack, role));
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
    }
  }
  return roles;
}
