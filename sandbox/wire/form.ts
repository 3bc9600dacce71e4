import { parseTime } from './json.ts';
import type { Member, Shape } from './shape.ts';

/** Parameter names are paths (`Filter.1.Value.2`): the form as a tree, each part of a name one level. */
interface Tree {
  text?: string;
  readonly children: Map<string, Tree>;
}

export type FormDialect = 'query' | 'ec2';

/**
 * Reads the form of the query protocol (STS) or of EC2's variant of it. Parameters that name no member come back under
 * their own name, so that `checkValue` can refuse them.
 * https://smithy.io/2.0/aws/protocols/aws-query-protocol.html, https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
 */
export function fromForm(shape: Shape, form: URLSearchParams, dialect: FormDialect): Record<string, unknown> {
  const root: Tree = { children: new Map() };
  for (const [path, text] of form) if (!isEnvelope(path)) plant(root, path, text);
  const value = read(shape, root, dialect);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Action and version choose the operation; `X-Amz-…` is the signature of a presigned request. */
function isEnvelope(path: string): boolean {
  return path === 'Action' || path === 'Version' || path.startsWith('X-Amz-');
}

function plant(root: Tree, path: string, text: string): void {
  let tree = root;
  for (const part of path.split('.')) {
    const next = tree.children.get(part) ?? { children: new Map() };
    tree.children.set(part, next);
    tree = next;
  }
  tree.text = text;
}

function read(shape: Shape, tree: Tree, dialect: FormDialect): unknown {
  switch (shape.kind) {
    case 'structure': {
      const value: Record<string, unknown> = {};
      const left = new Map(tree.children);
      for (const [name, member] of shape.members) {
        const key = dialect === 'ec2' ? member.ec2Name : member.xmlName;
        const child = left.get(key);
        if (!child) continue;
        left.delete(key);
        value[name] = read(member.shape, child, dialect);
      }
      for (const [key, child] of left) value[key] = child.text ?? {};
      return value;
    }
    case 'list':
      return readList(shape.item, tree, dialect);
    case 'map': {
      const entries = [...(tree.children.get('entry') ?? tree).children.values()];
      return Object.fromEntries(
        entries.map((entry) => {
          const value = entry.children.get(shape.value.xmlName);
          return [entry.children.get(shape.key.xmlName)?.text ?? '', value && read(shape.value.shape, value, dialect)];
        }),
      );
    }
    default:
      return readText(shape, tree.text ?? '');
  }
}

function readList(item: Member, tree: Tree, dialect: FormDialect): unknown[] {
  const places = dialect === 'ec2' ? tree : (tree.children.get(item.xmlName) ?? tree);
  return [...places.children]
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([, child]) => read(item.shape, child, dialect));
}

/** Reads what a form, a header, a path or a query string holds as text; what does not parse stays text. */
export function readText(shape: Shape, text: string): unknown {
  switch (shape.kind) {
    case 'number':
      return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'timestamp':
      return parseTime(text);
    case 'blob':
      return new Uint8Array(Buffer.from(text, 'base64'));
    default:
      return text;
  }
}
