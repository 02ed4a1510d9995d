import { z } from 'zod';

import type { BrandGateway } from './gateway.ts';

const PAGE_SIZE = '500';

/** Every item of a list that comes in pages. */
export async function allItems<T>(
  gateway: BrandGateway,
  path: string,
  item: z.ZodType<T>,
  filter: Readonly<Record<string, string>> = {},
): Promise<T[]> {
  const items: T[] = [];
  const pageSchema = z.looseObject({ items: z.array(item), 'next-cursor': z.string().nullable() });
  const query = new URLSearchParams({ ...filter, 'page-size': PAGE_SIZE });
  for (;;) {
    const page = await gateway.client.request(`${path}?${query.toString()}`, pageSchema);
    items.push(...page.items);
    if (page['next-cursor'] === null) return items;
    query.set('cursor', page['next-cursor']);
  }
}
