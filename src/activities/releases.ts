import { release, type ReleaseRequest } from '../storage/authority/index.ts';
import type { Database } from '../storage/index.ts';

/** The activities that change what channels hold. */
export function createReleaseActivities({ database }: { readonly database: Database }) {
  return {
    /** Releases or closes; a channel that holds the revision already stays as it is. */
    async releaseRevision(request: ReleaseRequest): Promise<void> {
      await database.transaction((queries) => release(queries, request));
    },
  };
}

/** The type that workflows see. */
export type ReleaseActivities = ReturnType<typeof createReleaseActivities>;
