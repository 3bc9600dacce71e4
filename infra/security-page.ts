import * as z from 'zod/mini';
import { REASONS } from './constructs/role.ts';
import { type Resource, resourcesOf, type Template, textOf } from './template.ts';

const oneOrMore = z.union([z.array(z.unknown()), z.unknown()]);
const Statement = z.object({
  Sid: z.string(),
  Effect: z.literal('Allow'),
  Action: z.union([z.string(), z.array(z.string())]),
  Resource: oneOrMore,
  Condition: z.optional(z.record(z.string(), z.record(z.string(), z.unknown()))),
});
const Policies = z.array(z.object({ PolicyDocument: z.object({ Statement: z.array(Statement) }) }));
const Trust = z.object({
  Statement: z.array(
    z.object({
      Principal: z.record(z.string(), z.unknown()),
      Condition: z.optional(z.record(z.string(), z.record(z.string(), z.unknown()))),
    }),
  ),
});
const Reasons = z.record(z.string(), z.string());

/** One statement of a role; `conditions` and `resources` as text. */
export interface Right {
  role: string;
  sid: string;
  actions: string[];
  resources: string[];
  conditions: string[];
  why: string;
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

/** The permissions of the roles of a template. Throws for a statement without a reason. */
export function rightsOf(template: Template): Right[] {
  return resourcesOf(template, 'AWS::IAM::Role').flatMap(([, resource]) => rightsOfRole(resource));
}

function rightsOfRole({ Properties, Metadata }: Resource): Right[] {
  const role = textOf(Properties['RoleName']);
  const reasons = Reasons.parse(Metadata[REASONS]);
  return Policies.parse(Properties['Policies'] ?? []).flatMap(({ PolicyDocument }) =>
    PolicyDocument.Statement.map(({ Sid, Action, Resource, Condition }) => {
      const why = reasons[Sid];
      if (why === undefined) throw new Error(`${role} has a statement ${Sid} without a reason`);
      const actions = list(Action).map(String);
      return { role, sid: Sid, actions, resources: list(Resource).map(textOf), conditions: conditions(Condition), why };
    }),
  );
}

function conditions(condition: z.output<typeof Statement>['Condition']): string[] {
  return Object.entries(condition ?? {}).flatMap(([operator, keys]) =>
    Object.entries(keys).map(
      ([key, values]) =>
        `${textOf(key)} ${operator} ${list(values)
          .map((value) => textOf(value))
          .join(' or ')}`,
    ),
  );
}

function trustOf({ Properties }: Resource): string {
  const statements = Trust.parse(Properties['AssumeRolePolicyDocument']).Statement.map(({ Principal, Condition }) => {
    const who = Object.values(Principal)
      .flatMap(list)
      .map((value) => `\`${textOf(value)}\``)
      .join(', ');
    const when = conditions(Condition)
      .map((text) => `\`${text}\``)
      .join(' and ');
    return when === '' ? who : `${who}, if ${when}`;
  });
  return statements.join('; ');
}

const INTRODUCTION = `# Security

The permissions of each role, with reasons. \`scripts/write-security.ts\` writes this page from the synthesized template; a test fails if the page is out of date. \`PARTITION\`, \`REGION\` and \`ACCOUNT\` stand for those of the deployment, and \`SUFFIX\` for the domain of the partition (\`amazonaws.com\`, in China \`amazonaws.com.cn\`).

- Every function, every state machine and every service has a role of its own with one inline policy. Nothing is shared, no action has a wildcard, and a resource with a wildcard has its reason in the table.
- Clusters give access to one role, \`nightshift-kubernetes-REGION\`, only while an execution needs it: view on the cluster, edit in \`kube-system\`. The role has no permissions in AWS. [What the access allows](#access-to-clusters).
- SSM may run only nightshift's own three documents, and only on nodes with one of the configured \`nodeTags\`. A principal that may change tags of instances can therefore choose where they run; their parameters are closed lists and address patterns.
- The policy of \`eks:AssociateAccessPolicy\` allows two policies by name and one namespace, for nightshift's own role alone.
- Evidence is encrypted with the key \`alias/nightshift\`, versioned, and locked (governance mode) for the configured days; no role of nightshift may delete it or bypass the lock. Logs and notifications are encrypted with the same key, dead events with SQS's own.
- Events and schedules reach only what they name: each permission to invoke or to publish names the rule, the schedule group or the alarm, and the account.
- Only the role of \`nightshift-migrate-cluster\` writes the configuration that a rollback restores (\`executions/*/former.json\`): no other role's statement covers it, and the bucket's policy denies it to every other principal, including administrators.
- EventBridge sends neither account nor rule to the topic and to its key, so those two statements name only the service and, on the key, this topic (its encryption context). A rule of EventBridge that somebody else makes could therefore publish a notification, and read none.
- Everyone who may call \`ssm:PutParameter\` below \`/nightshift/holds/\` can keep migrations from beginning, and \`ssm:DeleteParameter\` ends such a hold. A hold stops no rollback. Roles of nightshift may only write below \`/nightshift/holds/batches/\`, where a batch of migrations is held after too many failures, and none may delete there.
- nightshift does not protect from an administrator of the account, who can change the policies themselves; from a workload in \`kube-system\` that changes kube-proxy itself (the next proof detects it); or from an API server that lies about its pods.
`;

/** The section after the introduction, on the two kinds of access, which differ. */
const ACCESS = `## Access to clusters

While it exists, the access entry amounts to **root on every node of the cluster**. \`AmazonEKSEditPolicy\` in \`kube-system\` may change any DaemonSet there and create pods, and EKS has no admission control that keeps privileged pods out of \`kube-system\`: a holder of the role's credentials in that time can run a privileged pod on a node, or change kube-proxy's own image. The role can also read the secrets of \`kube-system\`. An execution makes the entry when it needs it and deletes it before every long wait and at every ending; the role's credentials are valid for 15 minutes. CloudTrail shows \`CreateAccessEntry\` and \`DeleteAccessEntry\`, and the audit log of the cluster what was done in between.

The narrower access is a Kubernetes group with the cluster's own Roles:

1. \`npx nightshift access-manifest --group nightshift | kubectl apply -f -\` on each cluster;
2. \`"kubernetesGroup": "nightshift"\` in \`nightshift.config.json\`, and deploy again.

Then the access entry has this group, no access policy is associated, and the state machines lose the permission to associate one. The role keeps: get and patch of the one DaemonSet \`kube-proxy\`, get and update of the one ConfigMap \`kube-proxy-config\`, get, list and delete of pods and \`pods/proxy\` (get) in \`kube-system\`; and in the whole cluster the list of nodes, Services, EndpointSlices, DaemonSets and SecurityGroupPolicies, and two named configurations of Cilium and Calico. No secrets, and no new pods. A patch of the DaemonSet \`kube-proxy\` still reaches every node, because its pods are privileged: an admission policy that admits only the annotation \`kubectl.kubernetes.io/restartedAt\` from this group closes that, too. A cluster without the manifest answers 403, and nothing is changed in it.
`;

/** The page docs/security.md. Throws for a statement without a reason. */
export function securityPage(template: Template): string {
  const roles = resourcesOf(template, 'AWS::IAM::Role').map(([, resource]) => section(resource));
  return `${[INTRODUCTION, ACCESS, ...roles].join('\n')}`;
}

function section(resource: Resource): string {
  const { Properties } = resource;
  const rights = rightsOfRole(resource);
  const head = `## ${textOf(Properties['RoleName']).replace(/-REGION$/, '')}\n\n${textOf(Properties['Description'])}. Assumed by ${trustOf(resource)}.\n`;
  if (rights.length === 0) return `${head}\nThe role has no permissions.\n`;
  const rows = rights.map(
    ({ actions, resources, conditions, why }) =>
      `| ${code(actions)} | ${code(resources)} | ${code(conditions)} | ${why} |`,
  );
  return `${head}\n| action | resource | condition | why |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

const code = (texts: string[]): string => texts.map((text) => `\`${text}\``).join('<br>');
