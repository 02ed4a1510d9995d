import { rm } from 'node:fs/promises';
import { decodeStream, encodeStream } from '../assertions/index.ts';
import { encodeMetadataFile, fileNames, readMetadataText } from '../bundles/index.ts';
import type { ExportOutcome } from '../workflows/export-contract.ts';
import {
  metadataFetchId,
  type FetchItem,
  type FetchKeysInput,
  type FetchMetadataInput,
  type FetchSnapsInput,
  type RunningFetch,
} from '../workflows/fetch-contract.ts';
import { exporterSigner } from './exports/archive.ts';
import { askingFirst, whileAsking } from './fetches/asking.ts';
import { makeExportFolder } from './exports/folder.ts';
import { writeFetched, writeFetchedSnap } from './fetches/archives.ts';
import { addDependencies } from './fetches/dependencies.ts';
import { removeFinished } from './fetches/finished-snaps.ts';
import { refreshOf } from './fetches/login.ts';
import { writeFetchedStore } from './fetches/fetched-store.ts';
import { fetchFolder, upstreamClient, type FetchDeps } from './fetches/client.ts';
import { fetchParts } from './fetches/plan.ts';
import { resolveAll } from './fetches/resolving.ts';
import { downloadPlanned } from './fetches/staging.ts';
import { assertionFetcher, requireOwnKeys, verifyFetched } from './fetches/trust.ts';
import { writeWhole } from './exports/free-path.ts';

export type { FetchDeps } from './fetches/client.ts';

/** The activities of the online role: ask, download, verify, write. */
export function createFetchActivities(deps: FetchDeps) {
  const parts = fetchParts(deps);
  const { settings } = deps;
  return {
    /** Asks the upstream what there is; the answers wait in the fetch's folder. */
    resolveFetch(input: FetchSnapsInput): Promise<readonly FetchItem[]> {
      return askingFirst(settings, (signal, watch) => resolveAll(input, { ...deps, watch }, signal));
    },

    /**
     * Asks the upstream for what the snaps of the plan need, as far as it is known by now.
     * @param downloaded how many files of the plan are here: they tell what the upstream did not
     * @param planned how many files the workflow knows of
     * @returns those that came after them
     */
    addDependencies(
      input: FetchSnapsInput,
      downloaded: number,
      planned: number,
    ): Promise<readonly FetchItem[]> {
      return whileAsking(settings, async (signal, watch) =>
        (await addDependencies(input, downloaded, { ...parts, watch }, signal)).slice(planned),
      );
    },

    /** Downloads one file, or goes on with what an interrupted run left of it. */
    async downloadSnap(fetch: RunningFetch, index: number): Promise<void> {
      await whileAsking(settings, (signal, watch, report) =>
        downloadPlanned(fetch, index, { ...parts, watch }, { signal, onBytes: (bytes) => report({ bytes }) }),
      );
    },

    /** Verifies one snap whose files are all here, writes its archive, and removes the files. */
    async writeFetchedSnap(fetch: RunningFetch, snap: string, at: string): Promise<void> {
      await whileAsking(settings, (signal, watch) =>
        writeFetchedSnap(fetch, snap, new Date(at), { ...parts, watch }, signal),
      );
    },

    /** Verifies what is not finished yet and writes an archive for each snap, or one for the whole store. */
    writeFetchedSnaps(input: FetchSnapsInput, at: string): Promise<ExportOutcome> {
      return whileAsking(settings, (signal, watch, report) => {
        const [writing, own] = [
          { signal, onBytes: (bytes: number) => report({ bytes }) },
          { ...parts, watch },
        ];
        return input.whole === undefined
          ? writeFetched(input, new Date(at), own, writing)
          : writeFetchedStore(input, input.whole, new Date(at), own, writing);
      });
    },

    /** Fetches account-keys with their chains into one file. */
    fetchKeys(input: FetchKeysInput, at: string): Promise<ExportOutcome> {
      return askingFirst(settings, (signal, watch) =>
        fetchKeys(input, new Date(at), { ...deps, watch }, signal),
      );
    },

    /** Fetches a store's metadata from an authority, and signs it as this host's own export. */
    fetchMetadata(input: FetchMetadataInput, at: string): Promise<ExportOutcome> {
      return askingFirst(settings, (signal, watch) =>
        fetchMetadata(input, new Date(at), { ...deps, watch }, signal),
      );
    },

    /** Forgets the login of a fetch, and its folder; of one that was given up, the archives that it had finished as well. */
    async closeFetch(
      fetch: Pick<RunningFetch, 'credentials' | 'fetchId'>,
      { abandoned }: { readonly abandoned: boolean } = { abandoned: false },
    ): Promise<void> {
      if (abandoned) await removeFinished(fetch, deps);
      await rm(fetchFolder(deps.blobs, fetch.fetchId), { recursive: true, force: true });
      if (fetch.credentials !== null)
        await deps.settings.change(new Map([[fetch.credentials, undefined]]), deps.now());
    },
  };
}

/** The type that workflows see. */
export type FetchActivities = ReturnType<typeof createFetchActivities>;

async function fetchKeys(
  input: FetchKeysInput,
  at: Date,
  deps: FetchDeps,
  signal: AbortSignal,
): Promise<ExportOutcome> {
  const client = await upstreamClient(deps, { credentials: null, store: null });
  const fetcher = await assertionFetcher(client, deps, signal);
  const assertions = await fetcher.chain(
    { type: 'account', primaryKey: [input.account] },
    ...input.keys.map((key) => ({ type: 'account-key' as const, primaryKey: [key] })),
  );
  await verifyFetched(assertions, deps);
  requireOwnKeys(input.account, input.keys, assertions);
  const folder = await makeExportFolder(input.exportDir, deps.exportFolder);
  const stream = encodeStream(assertions);
  const place = { folder, nameAt: (time: string) => fileNames.accountKeys(input.account, time), at };
  const path = await writeWhole(place, stream);
  return {
    files: [{ subject: input.account, path, size: stream.byteLength }],
    tokenFile: null,
    snaps: [],
    accountKeys: input.keys,
    warnings: [],
  };
}

async function fetchMetadata(
  input: FetchMetadataInput,
  at: Date,
  deps: FetchDeps,
  signal: AbortSignal,
): Promise<ExportOutcome> {
  const fetchId = metadataFetchId(input.store);
  const client = await upstreamClient(deps, { ...input, fetchId });
  const fetched = await client.metadata(input.store, signal);
  const { head, members } = await readMetadataText(fetched, input.store);
  await verifyFetched(
    [...members.values()].flatMap((stream) => decodeStream(stream)),
    deps,
  );
  const signer = await exporterSigner(deps.settings, at);
  const manifest = { ...head.manifest, exporter: signer.fingerprint, createdAt: at.toISOString() };
  const text = await encodeMetadataFile(manifest, members, signer);
  const folder = await makeExportFolder(input.exportDir, deps.exportFolder);
  const place = { folder, nameAt: (time: string) => fileNames.storeMetadata(input.store, time), at };
  const path = await writeWhole(place, Buffer.from(text));
  return {
    files: [{ subject: input.store, path, size: Buffer.byteLength(text) }],
    tokenFile: null,
    snaps: [],
    accountKeys: [],
    warnings: [],
    ...(await refreshOf(fetchFolder(deps.blobs, fetchId))),
  };
}
