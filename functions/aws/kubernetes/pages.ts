/** The API server's own default for large lists in kubectl. */
const PAGE = 500;

interface Page<Item> {
  items: Item[];
  metadata?: { _continue?: string };
}

/** Every item of a list, page by page. */
export async function everyPage<Item>(
  list: (request: { limit: number; _continue?: string }) => Promise<Page<Item>>,
): Promise<Item[]> {
  const items: Item[] = [];
  let next: string | undefined;
  do {
    const page = await list({ limit: PAGE, ...(next !== undefined && { _continue: next }) });
    items.push(...page.items);
    next = page.metadata?._continue || undefined;
  } while (next !== undefined);
  return items;
}
