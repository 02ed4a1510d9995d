import { heldReleases, type Queries } from '../../storage/index.ts';
import type { KnownSnap, SnapSource } from './known-snap.ts';

/** The snaps that this host stores. */
export function localSnaps(queries: Queries): SnapSource {
  return {
    hint: 'list-pushed-snaps shows what was pushed here',
    async find(name): Promise<KnownSnap | undefined> {
      const snap = await queries
        .selectFrom('Snap')
        .select('snapId')
        .where('name', '=', name)
        .executeTakeFirst();
      if (snap === undefined) return undefined;
      const { snapId } = snap;
      const releases = await heldReleases(queries, snapId);
      return {
        snapId,
        held: ({ track, risk, branch }) =>
          new Map(
            releases
              .filter((row) => row.track === track && row.risk === risk && row.branch === (branch ?? ''))
              .map(({ architecture, revision }) => [architecture, revision]),
          ),
        async architecturesOf(revision) {
          const row = await queries
            .selectFrom('SnapRevision')
            .select('architectures')
            .where('snapId', '=', snapId)
            .where('revision', '=', revision)
            .executeTakeFirst();
          return row?.architectures ?? [];
        },
      };
    },
  };
}
