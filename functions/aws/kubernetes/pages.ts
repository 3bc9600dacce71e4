import * as z from 'zod/mini';
import type { Api } from './request.ts';

/** The API server's own default for large lists in kubectl. */
const PAGE = '500';

/** Every item of the list at `path`, page by page. */
export async function everyItem<Item>(
  api: Api,
  item: z.ZodMiniType<Item>,
  path: string,
  query: Readonly<Record<string, string>> = {},
): Promise<Item[]> {
  const items: Item[] = [];
  for await (const page of everyPage(api, item, path, query)) for (const one of page) items.push(one);
  return items;
}

/** The pages of the list at `path`; a caller that has seen enough asks for no more. */
export async function* everyPage<Item>(
  api: Api,
  item: z.ZodMiniType<Item>,
  path: string,
  query: Readonly<Record<string, string>> = {},
): AsyncGenerator<Item[]> {
  const Page = z.object({ items: z.array(item), metadata: z.object({ continue: z.nullish(z.string()) }) });
  let next: string | undefined;
  do {
    const page = await api.json(Page, {
      path,
      query: { ...query, limit: PAGE, ...(next !== undefined && { continue: next }) },
    });
    yield page.items;
    next = page.metadata.continue || undefined;
  } while (next !== undefined);
}
