import { isRecord, isSet } from './check.ts';
import { formatTime } from './json.ts';
import type { Member, Shape } from './shape.ts';

/** Writes the members of a structure as XML elements, without an element around them. */
export function xmlMembers(members: Iterable<Member>, value: Record<string, unknown>): string {
  let xml = '';
  for (const member of members) {
    const item = value[member.name];
    if (isSet(item)) xml += xmlMember(member, item);
  }
  return xml;
}

function xmlMember(member: Member, value: unknown): string {
  const { shape, xmlName } = member;
  const flat = member.traits.xmlFlattened === 1;
  if (shape.kind === 'list') {
    const items = Array.isArray(value) ? value : [];
    const itemName = flat ? xmlName : shape.item.xmlName;
    const inner = items.map((item) => element(itemName, shape.item.shape, item)).join('');
    return flat ? inner : `<${xmlName}>${inner}</${xmlName}>`;
  }
  if (shape.kind === 'map') {
    const entryName = flat ? xmlName : 'entry';
    const inner = Object.entries(isRecord(value) ? value : {})
      .map(([key, item]) => {
        const pair =
          element(shape.key.xmlName, shape.key.shape, key) + element(shape.value.xmlName, shape.value.shape, item);
        return `<${entryName}>${pair}</${entryName}>`;
      })
      .join('');
    return flat ? inner : `<${xmlName}>${inner}</${xmlName}>`;
  }
  return element(xmlName, shape, value);
}

function element(name: string, shape: Shape, value: unknown): string {
  const inner =
    shape.kind === 'structure'
      ? xmlMembers(shape.members.values(), isRecord(value) ? value : {})
      : escapeXml(textOf(shape, value));
  return `<${name}>${inner}</${name}>`;
}

function textOf(shape: Shape, value: unknown): string {
  if (value instanceof Date)
    return formatTime(value, shape.kind === 'timestamp' && shape.format !== 'default' ? shape.format : 'date-time');
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return String(value);
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character);
}
