import { ArnPrincipal, CompositePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { Functions } from './functions.ts';
import { roleFor } from './role.ts';

/**
 * The role that clusters let in while an execution needs it. It may do nothing in AWS: the token that it signs for an API
 * server is a GetCallerIdentity, which needs no permission, and the access entry says what it may do in the cluster.
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
      description: 'What clusters let in while an execution needs it',
      permissions: [],
    });
  }
}
