import type { Queries } from '../../storage/index.ts';
import type { AwaitedSnaps } from '../../workflows/import-contract.ts';
import type { ImportContent } from './content.ts';
import { ImportError } from './errors.ts';

/** How many awaited snaps are named. */
const AWAITED_MAX = 100;

/** Snaps of stores that are included as a whole are named by who exports: which of them were not pushed yet. */
export async function awaitedSnaps(
  queries: Queries,
  content: ImportContent | undefined,
): Promise<AwaitedSnaps> {
  const awaits = content?.awaits ?? [];
  if (awaits.length === 0) return { names: [], more: 0 };
  const rows = await queries.selectFrom('Snap').select('snapId').execute();
  const present = new Set(rows.map(({ snapId }) => snapId));
  const missing = awaits.filter(({ snapId }) => !present.has(snapId)).map(({ name }) => name);
  return {
    names: missing.toSorted().slice(0, AWAITED_MAX),
    more: Math.max(missing.length - AWAITED_MAX, 0),
  };
}

/**
 * Metadata names the snaps that a brand's devices see: all must be here, else the operator hears which to push.
 * @throws ImportError `snaps-not-pushed`
 */
export async function requirePushed(queries: Queries, content: ImportContent): Promise<void> {
  const wanted = new Map<string, string>();
  for (const snap of content.snaps) wanted.set(snap.snapId, snap.name);
  for (const store of content.stores)
    for (const { snaps } of store.includes)
      for (const { snapId, name } of snaps ?? []) wanted.set(snapId, name);
  const present = new Set(
    (await queries.selectFrom('Snap').select('snapId').execute()).map(({ snapId }) => snapId),
  );
  if ([...wanted.keys()].every((snapId) => present.has(snapId))) return;
  for (const { snapId, name } of content.awaits ?? []) wanted.set(snapId, name);
  const missing = [...wanted].filter(([snapId]) => !present.has(snapId)).map(([, name]) => name);
  throw new ImportError(
    'snaps-not-pushed',
    `cannot import the metadata of store ${content.store} yet: the file is sound, but ${missing.length} of its snaps were not pushed: ${missing.slice(0, 20).join(', ')}${missing.length > 20 ? ', …' : ''}; push them first, then the metadata again`,
  );
}
