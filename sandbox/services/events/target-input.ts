import { isRecord } from '../../wire/check.ts';

/** What a target makes of an event; the whole event by default. */
export interface InputChoice {
  readonly Input?: string | undefined;
  readonly InputPath?: string | undefined;
  readonly InputTransformer?:
    | { readonly InputPathsMap?: Readonly<Record<string, string>> | undefined; readonly InputTemplate: string }
    | undefined;
}

/**
 * The text that a target gets. A transformer's template that is not JSON after its variables were filled in goes on as
 * the text it is. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
 */
export function targetInput(target: InputChoice, event: object): string {
  if (target.Input !== undefined) return target.Input;
  if (target.InputPath !== undefined) return JSON.stringify(at(event, target.InputPath) ?? null);
  if (!target.InputTransformer) return JSON.stringify(event);
  const { InputPathsMap = {}, InputTemplate } = target.InputTransformer;
  const filled = (quoted: boolean) => (whole: string, name: string) => {
    if (name === 'aws.events.event.json') return JSON.stringify(event);
    const path = InputPathsMap[name];
    if (path === undefined) return whole;
    const value = at(event, path);
    const json = JSON.stringify(value ?? null);
    // Inside of a text a value stands without quotes of its own.
    return quoted && typeof value === 'string' ? json.slice(1, -1) : json;
  };
  return InputTemplate.replaceAll(/"[^"\\]*(?:\\.[^"\\]*)*"/g, (text) =>
    text.replaceAll(/<([\w.-]+)>/g, filled(true)),
  ).replaceAll(/<([\w.-]+)>/g, filled(false));
}

/** The value at `$.detail.name` or `$.resources[0]`; undefined if the event has no such value. */
function at(event: object, path: string): unknown {
  let value: unknown = event;
  for (const [, name, index] of path.matchAll(/\.([\w-]+)|\[(\d+)\]/g))
    value = name === undefined ? arrayItem(value, Number(index)) : isRecord(value) ? value[name] : undefined;
  return value;
}

const arrayItem = (value: unknown, index: number): unknown => (Array.isArray(value) ? value[index] : undefined);
