import { type Document, isMap, parseDocument } from 'yaml';
import { assertNever, InvalidConfiguration } from './errors.ts';
import type { Proxying } from './proxy-mode.ts';

function parse(text: string): Document {
  const document = parseDocument(text, { uniqueKeys: true, logLevel: 'error' });
  const [problem] = document.errors;
  if (problem === undefined && isMap(document.contents)) return document;
  const why = problem === undefined ? 'it is no mapping' : problem.message.split('\n')[0];
  throw new InvalidConfiguration(`The configuration in ConfigMap kube-proxy-config cannot be read: ${why}.`, {
    nextStep: 'Correct it with `kubectl -n kube-system edit configmap kube-proxy-config`.',
  });
}

/**
 * The text with another mode, and scheduler where the mode has one. Everything else stays, comments and order included;
 * a text that already asks for it comes back as it is.
 * @throws InvalidConfiguration for a text that cannot be read
 */
export function withProxying(text: string, proxying: Proxying): string {
  const document = parse(text);
  const set = (path: string[], value: string) => {
    if (document.getIn(path) === value) return false;
    // `ipvs: null` is a legal way to say nothing; setIn goes through mappings only.
    if (path.length > 1 && !isMap(document.get('ipvs'))) document.set('ipvs', document.createNode({}));
    document.setIn(path, value);
    return true;
  };
  const changes = [set(['mode'], proxying.mode)];
  switch (proxying.mode) {
    case 'ipvs':
      changes.push(set(['ipvs', 'scheduler'], proxying.scheduler));
      break;
    case 'iptables':
      break;
    default:
      assertNever(proxying);
  }
  return changes.includes(true) ? document.toString({ lineWidth: 0 }) : text;
}
