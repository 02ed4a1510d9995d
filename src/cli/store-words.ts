/** A store as a host or authority describes it. */
export interface DescribedStore {
  readonly id: string;
  readonly kind: string;
  readonly parent: string | null;
  readonly includes: readonly { readonly store: string; readonly snaps: 'all' | number }[];
}

/** What a store is and shows, behind its id: `(device-view store, sub-store of A, includes all of A, 2 snaps of B)`. */
export function storeWords({ kind, parent, includes }: DescribedStore): string {
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
