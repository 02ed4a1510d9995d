import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { LRUCache } from 'lru-cache';
import { fileIdentity, requireFreeBytes } from '../bundles/index.ts';
import { Settings } from '../config/index.ts';
import type { BlobStore, Database, SettingStore } from '../storage/index.ts';
import {
  StoreClient,
  download,
  parseLogin,
  type DownloadOptions,
  type UpstreamSnap,
} from '../upstream/index.ts';
import { VerifiedFiles } from './verified-files.ts';
import type { FetchItem, FetchSnapsInput } from '../workflows/fetch-contract.ts';

/** What fetches need from the host. */
export interface FetchDeps {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly settings: SettingStore;
  readonly exportFolder: string;
  readonly now: () => Date;
}

/** The same, with what the activities of one process remember of a fetch. Nothing of it must survive: it only spares work. */
export interface FetchParts extends FetchDeps {
  /** Downloads that were digested here. */
  readonly verified: VerifiedFiles;
  /** Plans that were read: each download of a fetch looks into the same one. */
  readonly plans: PlanCache;
}

/** One place of a snap: what a channel gives to an architecture. */
export interface FetchedPlace {
  readonly channel: string;
  readonly architecture: string;
  readonly snap: UpstreamSnap;
}

/** What plan files held, by their identity. */
export type PlanCache = LRUCache<string, readonly FetchedPlace[]>;

/** Fetches that are under way at a time, and whose plans are held. */
const PLANS = 4;

/** Begins to remember. */
export function fetchParts(deps: FetchDeps): FetchParts {
  return { ...deps, verified: new VerifiedFiles(), plans: new LRUCache({ max: PLANS }) };
}

const PLAN_FILE = 'plan.json';
const placesSchema: z.ZodType<FetchedPlace[]> = z.array(
  z.object({
    channel: z.string(),
    architecture: z.string(),
    snap: z.custom<UpstreamSnap>((value) => typeof value === 'object'),
  }),
);

/** The folder of one fetch. */
export function fetchFolder(blobs: BlobStore, fetchId: string): string {
  return join(blobs.stagingFolder, `fetch-${fetchId.replaceAll(/[^A-Za-z0-9-]/g, '-').slice(0, 100)}`);
}

/** A client of the upstream store, with the login of a fetch. */
export async function upstreamClient(
  deps: FetchDeps,
  who: { readonly credentials: string | null; readonly store: string | null },
): Promise<StoreClient> {
  const settings = new Settings(await deps.settings.all());
  const sealed = who.credentials === null ? undefined : await deps.settings.get(who.credentials);
  return new StoreClient({
    url: settings.text('proxy.upstream') ?? '',
    ...(sealed === undefined ? {} : { login: parseLogin(sealed) }),
    ...(who.store === null ? {} : { store: who.store }),
  });
}

/**
 * Asks the upstream what every channel holds, keeps the answers, and asks the disk for room for all of it twice: once as it
 * comes, once in the archives.
 */
export async function resolveAll(
  input: FetchSnapsInput,
  deps: FetchDeps,
  signal: AbortSignal,
): Promise<readonly FetchItem[]> {
  const folder = fetchFolder(deps.blobs, input.fetchId);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const client = await upstreamClient(deps, input);
  const places: FetchedPlace[] = [];
  for (const name of input.names)
    for (const channel of input.channels)
      for (const architecture of input.architectures)
        places.push({
          channel,
          architecture,
          snap: await client.resolve({ name, channel, architecture }, signal),
        });
  const files = distinct(places);
  await requireFreeBytes(folder, 2 * files.reduce((sum, { snap }) => sum + snap.download.size, 0));
  await writeFile(join(folder, PLAN_FILE), JSON.stringify(places), { mode: 0o600 });
  return files.map(({ snap }) => ({ name: snap.name, revision: snap.revision, size: snap.download.size }));
}

/** What `resolveAll` kept. */
export async function plannedPlaces(
  input: FetchSnapsInput,
  deps: FetchParts,
): Promise<readonly FetchedPlace[]> {
  const path = join(fetchFolder(deps.blobs, input.fetchId), PLAN_FILE);
  const identity = await fileIdentity(path);
  const known = deps.plans.get(identity);
  if (known !== undefined) return known;
  const places = placesSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  deps.plans.set(identity, places);
  return places;
}

/** One place for each file: several channels may hold the same revision. */
export function distinct(places: readonly FetchedPlace[]): readonly FetchedPlace[] {
  return [
    ...new Map(places.toReversed().map((place) => [place.snap.download['sha3-384'], place])).values(),
  ].toReversed();
}

/** Downloads one file of the plan, or goes on with what an interrupted run left of it. */
export async function downloadPlanned(
  input: FetchSnapsInput,
  index: number,
  deps: FetchParts,
  options: DownloadOptions,
): Promise<void> {
  const place = distinct(await plannedPlaces(input, deps))[index];
  if (place === undefined) throw new TypeError('internal error: a download that was not planned');
  const { url, size, 'sha3-384': digest } = place.snap.download;
  const path = join(fetchFolder(deps.blobs, input.fetchId), digest);
  await download(await upstreamClient(deps, input), { url, digest, size, path }, options);
  await deps.verified.add(path);
}
