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
  const Page = z.object({ items: z.array(item), metadata: z.object({ continue: z.nullish(z.string()) }) });
  const items: Item[] = [];
  let next: string | undefined;
  do {
    const page = await api.json(Page, {
      path,
      query: { ...query, limit: PAGE, ...(next !== undefined && { continue: next }) },
    });
    for (const one of page.items) items.push(one);
    next = page.metadata.continue || undefined;
  } while (next !== undefined);
  return items;
}
