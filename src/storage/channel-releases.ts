import type { Queries } from './database.ts';

/** What each channel of a snap holds now, for each architecture; closed channels are left out. */
export function heldReleases(queries: Queries, snapId: string) {
  return queries
    .selectFrom('ChannelRelease')
    .select(['track', 'risk', 'branch', 'architecture', 'revision'])
    .where('snapId', '=', snapId)
    .where('endedAt', 'is', null)
    .where('revision', 'is not', null)
    .orderBy('id')
    .$narrowType<{ revision: number }>()
    .execute();
}
