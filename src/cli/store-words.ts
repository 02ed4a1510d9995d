import { z } from 'zod';

/** A store as a host or authority describes it. */
export const describedStore = z.looseObject({
  id: z.string(),
  name: z.string(),
  kind: z.string(),
  brandId: z.string().nullable(),
  parent: z.string().nullable(),
  includes: z.array(z.looseObject({ store: z.string(), snaps: z.union([z.literal('all'), z.number()]) })),
});
type DescribedStore = z.infer<typeof describedStore>;

/** What a store is and shows, behind its id: `(device-view store, sub-store of A, includes all of A, 2 snaps of B)`. */
export function storeWords({
  kind,
  parent,
  includes,
}: Pick<DescribedStore, 'kind' | 'parent' | 'includes'>): string {
  const parts = [
    `${kind} store`,
    ...(parent === null ? [] : [`sub-store of ${parent}`]),
    ...(includes.length === 0 ? [] : [`includes ${inclusionWords(includes)}`]),
  ];
  return `(${parts.join(', ')})`;
}

/** What a store shows of others: `all of A, 2 snaps of B`. */
export function inclusionWords(includes: DescribedStore['includes']): string {
  const words = includes.map(({ store, snaps }) => {
    if (snaps === 'all') return `all of ${store}`;
    return `${snaps} snap${snaps === 1 ? '' : 's'} of ${store}`;
  });
  return words.join(', ');
}
