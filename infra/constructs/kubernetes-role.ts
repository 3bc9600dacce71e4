import { ArnPrincipal, CompositePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { Functions } from './functions.ts';
import { roleFor } from './role.ts';

/**
 * The role to which clusters give access while an execution needs it. It has no permissions in AWS: the token that it
 * signs for an API server is a GetCallerIdentity, which needs none, and the access entry gives permissions in the
 * cluster.
 */
export class KubernetesRole extends Construct {
  constructor(scope: Construct, id: string, functions: Functions) {
    super(scope, id);
    const principals = functions.kubernetes.map((handler) => {
      const { role } = functions.get(handler);
      if (!role) throw new Error(`the function ${handler} has no role`);
      return new ArnPrincipal(role.roleArn);
    });
    roleFor(this, 'kubernetes', {
      assumedBy: new CompositePrincipal(...principals),
      description: 'The role to which clusters give access while an execution needs it',
      permissions: [],
    });
  }
}
