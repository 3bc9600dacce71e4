import { assertNever } from '../errors.ts';
import { named } from '../values/named.ts';
import { type Checks, type Finding, pass, refuse, type Subject, warn } from './check.ts';
import { type ClusterSnapshot, isReachable } from './snapshot.ts';

/** Why an access entry does not give access to the Kubernetes API; null if it does. */
function obstacle({ snapshot, inVpc }: Subject): string | null {
  if (snapshot.authenticationMode === 'CONFIG_MAP') return 'authentication mode CONFIG_MAP';
  if (isReachable(snapshot, inVpc)) return null;
  return snapshot.endpoint.public ? restricted(snapshot) : 'a private endpoint';
}

const restricted = ({ endpoint }: ClusterSnapshot): string =>
  `a public endpoint that answers only ${named(endpoint.publicCidrs)}`;

const OWN_WAY =
  'Give the functions a way of their own: switch on the private endpoint and configure `vpc`, or choose the strategy pod-annotations.';

function restart(subject: Subject): Finding {
  switch (subject.strategy) {
    case 'kubernetes-api':
      return throughKubernetes(subject);
    case 'pod-annotations':
      return throughAnnotations(subject);
    default:
      return assertNever(subject.strategy);
  }
}

function throughKubernetes(subject: Subject): Finding {
  const { snapshot, inVpc } = subject;
  if (snapshot.authenticationMode === 'CONFIG_MAP')
    return refuse(
      'with authentication mode CONFIG_MAP there are no access entries: nightshift cannot reach the Kubernetes API',
      'Choose the strategy pod-annotations, or set the authentication mode API_AND_CONFIG_MAP.',
    );
  if (isReachable(snapshot, inVpc)) return pass('kube-proxy is restarted through the Kubernetes API');
  if (snapshot.endpoint.public && !inVpc)
    return refuse(
      `the cluster has ${restricted(snapshot)}: functions outside a VPC get no answer from it (publicAccessCidrs)`,
      OWN_WAY,
    );
  if (snapshot.endpoint.public)
    return warn(
      `the cluster has ${restricted(snapshot)}: the strategy kubernetes-api, which the request chose, works only if the address of the VPC's NAT gateway is among them`,
      OWN_WAY,
    );
  return warn(
    'the endpoint is private: the strategy kubernetes-api, which the request chose, works only for functions in its VPC',
    'Deploy the functions with a way to the endpoint, or choose the strategy pod-annotations.',
  );
}

function throughAnnotations(subject: Subject): Finding {
  const { inventory, request, way } = subject;
  const cause = obstacle(subject);
  const because = cause === null ? 'as the request chose,' : `with ${cause}`;
  if (way === 'config-map')
    return refuse(
      `${because} the Kubernetes API is not used, and without it nobody can edit the ConfigMap`,
      'Give nightshift access to the Kubernetes API.',
    );
  if (way === 'create-addon')
    return refuse(
      `${because} the Kubernetes API is not used, and without it a rollback cannot write the former ConfigMap again`,
      'Give nightshift access to the Kubernetes API.',
    );
  const unprovable = inventory.filter(({ handling }) => handling.by === 'proxy-mode').map(({ name }) => name);
  if (unprovable.length > 0)
    return refuse(
      `${because} the Kubernetes API cannot be asked, and nothing else proves Bottlerocket nodes: ${named(unprovable)}`,
      'Give nightshift access to the Kubernetes API.',
    );
  return warn(
    `${because} kube-proxy is restarted by a changed pod annotation, on all nodes at once and without a canary`,
    request.strategy === undefined
      ? 'Open the public endpoint, configure `vpc` with a private one, or use access entries, to restart through the Kubernetes API.'
      : 'Leave the strategy out of the request to let nightshift choose.',
  );
}

function idleTimeout(): Finding {
  return warn(
    'IPVS forgets TCP connections that are idle for 900 s: pools of database connections may be cut',
    'Set TCP keepalive below 900 s for connections that idle for long.',
  );
}

export const RESTART_CHECKS = {
  restart: {
    source: 'https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html',
    acknowledgeable: false,
    changeOnly: true,
    find: restart,
  },
  'idle-timeout': {
    source: 'https://github.com/terraform-aws-modules/terraform-aws-eks/issues/3367',
    acknowledgeable: true,
    changeOnly: true,
    find: idleTimeout,
  },
} satisfies Checks;
