import {
  asJson,
  type ClusterSeen,
  clustersOf,
  type Evidence,
  type ExecutionSeen,
  evidenceOf,
  outcomeOf,
  type Seen,
  textOf,
} from './seen.ts';
import { hasShell } from './truth.ts';

/** Errors that nobody gave a name: of the language, of the interpreter, of the host of the functions. */
const NAMELESS =
  /^(Error|TypeError|RangeError|ReferenceError|SyntaxError|EvalError|ZodError|\$ZodError|Runtime\..*|Sandbox\..*|States\.(Runtime|QueryEvaluationError|DataLimitExceeded|NoChoiceMatched|ParameterPathFailure))$/;

/** Rule 7: what is not understood is a failure with a name, never a pass. */
export function whatIsNotUnderstoodFails(seen: Seen): string[] {
  const nameless = seen.executions.flatMap((execution) => {
    const recorded = textOf(asJson(outcomeOf(seen, execution)?.['error'])['name']);
    return [execution.error ?? '', recorded]
      .filter((error) => NAMELESS.test(error))
      .map((error) => `${execution.name} ended with ${error}, which names nothing`);
  });
  const unread = seen.executions.flatMap((execution) => grantedAndUnread(execution));
  return [...nameless, ...unread, ...clustersOf(seen).flatMap((cluster) => passedUnread(seen, cluster))];
}

/**
 * Looks that had access to the Kubernetes API and went on without the ConfigMap, which every cluster here has: a refusal
 * of what is granted passes, and is no fact about the cluster.
 */
function grantedAndUnread({ name, history }: ExecutionSeen): string[] {
  let looksInside = false;
  return history.flatMap(({ taskScheduledEventDetails: asked, taskSucceededEventDetails: answered }) => {
    if (asked) {
      const parameters = asJson(JSON.parse(asked.parameters ?? '{}'));
      const isLook = textOf(parameters['FunctionName']).includes(':nightshift-inspect-cluster:');
      looksInside = isLook && asJson(parameters['Payload'])['kubernetes'] === true;
    }
    if (!answered || !looksInside) return [];
    const { configMap } = asJson(asJson(JSON.parse(answered.output ?? '{}'))['Payload']);
    return configMap === null ? [`${name} looked at a cluster with access, and did not read its ConfigMap`] : [];
  });
}

/** Verdicts that passed on output which this search cannot read as a whole. */
function passedUnread(seen: Seen, { after, executions }: ClusterSeen): string[] {
  const shells = new Set(after.nodes.filter(hasShell).map(({ id }) => id));
  return executions.flatMap((execution) =>
    evidenceOf(seen, execution).flatMap((step) =>
      step.verdicts
        .filter(({ node, pass }) => pass && shells.has(node))
        .flatMap(({ node }) => {
          const problem = problemOf(outputIn(seen, step, node), step.phase);
          return problem === null ? [] : [`${step.step} of ${execution.name} passed ${node}, ${problem}`];
        }),
    ),
  );
}

const outputIn = ({ outputs }: Seen, { commandIds }: Evidence, node: string) =>
  outputs.find((output) => output.node === node && commandIds.includes(output.commandId));

const FACT = /^[A-Za-z0-9-]+=[\w .,:;()/+~-]*$/;
const TABLE =
  /^(IP Virtual Server .*|Prot .*|(TCP|UDP|SCTP|FWM) .*| {2}-> .*| {2}\.\.\. \d+ more|service-ips [0-9a-f.:]+ \. (tcp|udp) \. \d+ : goto \S+|)$/;

function problemOf(found: ReturnType<typeof outputIn>, phase: string): string | null {
  if (!found) return 'which no command was sent to';
  if (found.status !== 'Success') return `whose command ended ${found.status}`;
  if (phase !== 'validate') return null;
  const lines = found.output.trimEnd().split('\n');
  if (lines[0] !== 'nightshift-validate=1') return 'whose output does not begin as it should';
  if (lines.at(-1) !== 'end=nightshift-validate') return 'whose output is cut off';
  const tables = lines.indexOf('tables<<');
  const odd = lines.slice(0, -1).find((line, index) => {
    if (index < tables) return !FACT.test(line);
    return !(line === 'tables<<' || line === '>>' || TABLE.test(line));
  });
  return odd === undefined ? null : `whose output has the line ${JSON.stringify(odd)}`;
}
