import type { ManifestSnap, ManifestStore } from '../bundles/index.ts';
import { channelName, parseChannel } from '../snaps/index.ts';
import type { Queries } from '../storage/index.ts';
import type {
  ExportOutcome,
  ExportedFile,
  ExportedToken,
  SnapsExport,
  StoreExport,
} from '../workflows/export-contract.ts';
import { crashPoint } from './crash-point.ts';
import {
  bytesOf,
  exporterSigner,
  leftOutOf,
  writeSnapArchive,
  type ArchiveOptions,
  type SnapMaterial,
} from './exports/archive.ts';
import { AssertionCloser } from './exports/assertions.ts';
import { knownThere } from './exports/basis.ts';
import { snapMaterial, unknownRevision, type CatalogParts } from './exports/catalog.ts';
import {
  closureWarnings,
  scopeWithDependencies,
  withDependencies,
  type WithDependencies,
} from './exports/dependencies.ts';
import { snapIdsOf } from './exports/visible-snaps.ts';
import { ExportError } from './exports/errors.ts';
import { makeExportFolder, removeAccountFolder } from './exports/folder.ts';
import { storesFor } from './exports/described-stores.ts';
import { issueAdminToken, withdrawAdminToken } from './exports/admin-token.ts';
import type { ExportDeps } from './exports/deps.ts';
import { exportedRevisions, writeStoreExport } from './exports/store-export.ts';
import { withHeartbeats } from './heartbeats.ts';
import { GENERAL_STORE } from '../brands/index.ts';

export type { ExportDeps } from './exports/deps.ts';

/** The activities of an export; `at` is the moment that names the files, so that a repeat writes the same ones. */
export function createExportActivities(deps: ExportDeps) {
  return {
    /** Issues the admin token that goes beside a store's archive. */
    issueExportToken(input: StoreExport, at: string): Promise<ExportedToken> {
      return issueAdminToken(input, new Date(at), deps);
    },

    /** Revokes the token of an export that failed, and removes its file. */
    withdrawExportToken: (token: ExportedToken, actor: string): Promise<void> =>
      withdrawAdminToken(token, actor, deps),

    /** Removes the files of an account's export; a repeat finds them gone. */
    removeAccountExport: (folder: string): Promise<void> => removeAccountFolder(folder, deps.exportFolder),

    /** Writes a store's archive. */
    async writeStoreExport(input: StoreExport, at: string, token: ExportedToken): Promise<ExportOutcome> {
      crashPoint('export-before-archive');
      const outcome = await withHeartbeats((signal, report) =>
        writeStoreExport(input, new Date(at), token, deps, {
          signal,
          onProgress: (bytes, total) => report({ bytes, total }),
        }),
      );
      crashPoint('export-after-archive');
      return outcome;
    },

    /** Writes one archive for each snap. */
    writeSnapExports(input: SnapsExport, at: string): Promise<ExportOutcome> {
      return withHeartbeats((signal, report) =>
        writeSnaps(input, new Date(at), deps, {
          signal,
          onProgress: (bytes, total) => report({ bytes, total }),
        }),
      );
    },
  };
}

/** The type that workflows see. */
export type ExportActivities = ReturnType<typeof createExportActivities>;

async function writeSnaps(
  input: SnapsExport,
  at: Date,
  deps: ExportDeps,
  { signal, onProgress }: ArchiveOptions,
): Promise<ExportOutcome> {
  const { queries } = deps.database;
  const closer = new AssertionCloser(queries);
  const scope = input.withDependencies ? scopeWithDependencies(input) : input;
  const known = await knownThere(input.basis, scope, queries);
  const parts = { queries, blobs: deps.blobs, closer, known };
  const signer = await exporterSigner(deps.settings, at);
  const folder = await makeExportFolder(input.exportDir, deps.exportFolder);
  const chosen: SnapMaterial[] = [];
  const visible = input.store === null ? undefined : await visibleIn(queries, input.store);
  for (const name of new Set([...input.names, ...input.packages.map((one) => one.name)])) {
    const row = await queries.selectFrom('Snap').select('snapId').where('name', '=', name).executeTakeFirst();
    if (row === undefined || visible?.has(row.snapId) === false)
      throw new ExportError(
        'snap-unknown',
        `cannot export snap ${name}: there is none of that name${input.store === null ? '' : ` in store ${input.store}`}`,
      );
    const packages = input.packages.filter((one) => one.name === name);
    const revisions = packages.map(({ revision }) => revision);
    if (input.releasedOnly) await requireReleased(queries, row.snapId, name, revisions);
    const selection = { ...input, ...(revisions.length > 0 ? { revisions } : {}) };
    const found = await snapMaterial(parts, row.snapId, selection, true);
    const material = found && withPushChannels(found, packages, at);
    if (material === undefined)
      throw new ExportError(
        'nothing-to-export',
        `cannot export snap ${name}: nothing is in the chosen channels and architectures`,
      );
    chosen.push(material);
  }
  const brought = input.withDependencies ? await alongWith(chosen, input, parts) : undefined;
  const snaps = brought?.snaps ?? chosen;
  const total = bytesOf(snaps);
  const files: ExportedFile[] = [];
  let before = 0;
  for (const material of snaps) {
    const done = before;
    const written = await writeSnapArchive({ folder, at }, material, known?.rest, signer, {
      ...(signal && { signal }),
      onProgress: (bytes) => onProgress?.(done + bytes, total),
    });
    files.push({ subject: material.snap.name, path: written.path, size: written.size });
    before += bytesOf([material]);
  }
  return {
    files,
    tokenFile: null,
    snaps: exportedRevisions(snaps),
    accountKeys: [],
    warnings: [...(brought?.warnings ?? []), ...(await closureWarnings(queries, snaps, known?.names))],
    ...(brought && { dependencies: brought.dependencies }),
    ...(known && { leftOut: leftOutOf(snaps) }),
  };
}

/** Throws `revision-unknown` for one that no channel ever held, as for one that is not here. */
async function requireReleased(
  queries: Queries,
  snapId: string,
  name: string,
  revisions: readonly number[],
): Promise<void> {
  const rows = await queries
    .selectFrom('ChannelRelease')
    .select('revision')
    .where('snapId', '=', snapId)
    .where('revision', 'is not', null)
    .execute();
  const released = new Set(rows.map(({ revision }) => revision));
  for (const revision of revisions) if (!released.has(revision)) throw unknownRevision(name, revision);
}

/** Snaps with what they need: of the store that was named, else each of the store that needs it. */
function alongWith(
  chosen: readonly SnapMaterial[],
  input: SnapsExport,
  parts: CatalogParts,
): Promise<WithDependencies> {
  const seen = new Map<string, ReadonlySet<string>>();
  return withDependencies(parts, chosen, {
    architectures: input.architectures,
    named: new Set(chosen.map(({ snap }) => snap.name)),
    seenIn: async (needing) => {
      const store = input.store ?? needing;
      const known = seen.get(store);
      if (known !== undefined) return known;
      // A snap may be here whose store nobody described yet.
      const stores = await storesFor(parts.queries, store).catch((error: unknown) => {
        if (error instanceof ExportError && error.code === 'store-unknown') return [];
        throw error;
      });
      const found = await seenIn(parts.queries, store, stores);
      seen.set(store, found);
      return found;
    },
    devicesOf: input.store,
  });
}

/** Snaps that devices of a store see, and those that are kept in it. */
async function seenIn(
  queries: Queries,
  store: string,
  stores: readonly ManifestStore[],
): Promise<ReadonlySet<string>> {
  const { ids } = await snapIdsOf(queries, stores);
  const own = await queries.selectFrom('Snap').select('snapId').where('storeId', '=', store).execute();
  return new Set([...ids, ...own.map(({ snapId }) => snapId)]);
}

/** Snaps that devices of a store see, whichever store they are kept in; those of the general store go everywhere. */
async function visibleIn(queries: Queries, store: string): Promise<ReadonlySet<string>> {
  const general = await queries
    .selectFrom('Snap')
    .select('snapId')
    .where('storeId', '=', GENERAL_STORE)
    .execute();
  return new Set([
    ...(await seenIn(queries, store, await storesFor(queries, store))),
    ...general.map(({ snapId }) => snapId),
  ]);
}

/**
 * Puts revisions into the channels that `push_channel` names for them, whatever those hold here.
 * @throws ExportError `channel-wanted-twice`
 */
function withPushChannels(material: SnapMaterial, packages: SnapsExport['packages'], at: Date): SnapMaterial {
  const wanted = new Map<string, ManifestSnap['channels'][number]>();
  for (const { revision, channel } of packages) {
    const held = material.revisions.find((one) => one.revision.revision === revision)?.revision;
    if (channel === null || held === undefined) continue;
    const name = channelName(parseChannel(channel));
    for (const architecture of held.architectures) {
      const place = `${name} ${architecture}`;
      const other = wanted.get(place);
      if (other !== undefined && other.revision !== revision)
        throw new ExportError(
          'channel-wanted-twice',
          `cannot export snap ${material.snap.name}: ${place} is to hold revision ${other.revision} and revision ${revision}; give one of them another push_channel`,
        );
      wanted.set(place, {
        channel: name,
        architecture,
        revision,
        releasedAt: at.toISOString(),
        percentage: null,
        progressiveKey: null,
        paused: false,
        expiresAt: null,
      });
    }
  }
  const asked = [...wanted.values()];
  const isReplaced = (one: ManifestSnap['channels'][number]) =>
    asked.some(({ channel, architecture }) => channel === one.channel && architecture === one.architecture);
  const channels = [...material.snap.channels.filter((one) => !isReplaced(one)), ...asked];
  return { ...material, snap: { ...material.snap, channels } };
}
