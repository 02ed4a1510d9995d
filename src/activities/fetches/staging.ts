import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { LRUCache } from 'lru-cache';
import { fileIdentity, requireFreeBytes } from '../../bundles/index.ts';
import { writePrivateFile } from '../../config/index.ts';
import {
  UpstreamError,
  download,
  type DownloadOptions,
  type KnownSupports,
  type StoreClient,
  type UpstreamSnap,
} from '../../upstream/index.ts';
import { channelName, parseChannel } from '../../snaps/index.ts';
import { makeExportFolder } from '../exports/folder.ts';
import { fetchFolder, upstreamClient, type FetchDeps } from './client.ts';
import { VerifiedFiles } from './verified-files.ts';
import type { FetchItem, FetchSnapsInput, RunningFetch } from '../../workflows/fetch-contract.ts';
import { bytesWaiting, writesAsTheyCome } from '../../workflows/fetch-lanes.ts';
import { knownThere, type KnownThere } from '../exports/basis.ts';

/** What fetches need, with what the activities of one process remember of a fetch. Nothing of it must survive: it only spares work. */
export interface FetchParts extends FetchDeps {
  /** Downloads that were digested here. */
  readonly verified: VerifiedFiles;
  /** Plans that were read: each step of a fetch looks into the same one. */
  readonly plans: PlanCache;
}

/** One place of a snap: what a channel gives to an architecture. */
export interface FetchedPlace {
  readonly channel: string;
  readonly architecture: string;
  readonly snap: UpstreamSnap;
}

/** A snap that another one needs, for the architecture that this one is fetched for. */
export interface NeededPlace {
  readonly name: string;
  readonly architecture: string;
}

/** What a fetch brings: where everything is, and what need not be downloaded. */
export interface FetchPlan {
  readonly places: readonly FetchedPlace[];
  /** Sentences about what is not as it was asked for: channels that hold nothing, snaps that are another brand's. */
  readonly warnings?: readonly string[];
  /** What was asked for because a snap of the plan needs it, whether the upstream has it or not. */
  readonly needed?: readonly NeededPlace[];
  /** Digests of files that are where the archives go to. */
  readonly leftOut: readonly string[];
  /** What says so. */
  readonly rest: KnownThere['rest'] | null;
}

/** One file to download. */
export interface PlannedDownload extends FetchItem {
  readonly digest: string;
  readonly url: string;
}

/** A plan as it was read, and what steps of its fetch share. */
export interface OpenPlan {
  readonly plan: FetchPlan;
  /** The places of each snap. */
  readonly snaps: ReadonlyMap<string, readonly FetchedPlace[]>;
  readonly files: readonly PlannedDownload[];
  readonly supports: KnownSupports;
}

/** Plans by the identity of their files. */
export type PlanCache = LRUCache<string, OpenPlan>;

/** Fetches that are under way at a time, and whose plans are held. */
const PLANS = 4;

/** Begins to remember. */
export function fetchParts(deps: FetchDeps): FetchParts {
  return { ...deps, verified: new VerifiedFiles(), plans: new LRUCache({ max: PLANS }) };
}

const PLAN_FILE = 'plan.json';
// Our own file, written from answers that were checked.
const planSchema = z.custom<FetchPlan>((value) => typeof value === 'object' && value !== null);

/**
 * Asks the upstream what every channel holds, keeps the answers, and asks the disks for room: for the archives, and for what waits for
 * them as it comes.
 * @throws UpstreamError; ExportError `export-folder-unusable`; BundleError `disk-full`
 */
export async function resolveAll(
  input: FetchSnapsInput,
  deps: FetchDeps,
  signal: AbortSignal,
): Promise<readonly FetchItem[]> {
  const folder = fetchFolder(deps.blobs, input.fetchId);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Before anything is asked: a folder that cannot be used is found out now, not after hours of downloads.
  const archives = await makeExportFolder(input.exportDir, deps.exportFolder);
  const client = await upstreamClient(deps, input);
  // Before anything is downloaded: without the role Admin there is no archive in the end.
  if (input.whole !== undefined) await client.storeAdmin(input.store ?? '', signal);
  const nothing = { places: [], warnings: [] };
  const { places, warnings } = input.whole?.snaps === false ? nothing : await placesOf(input, client, signal);
  const plan = { places, warnings, ...(await leftOutOf(input, places, deps)) };
  const files = downloadsOf(plan);
  await requireRoom(input, { downloads: folder, archives }, files, files);
  await keepPlan(input, plan, deps);
  return itemsOf(files);
}

/** Keeps a plan whole or not at all: what is downloaded is found by its place in it. */
export function keepPlan(fetch: RunningFetch, plan: FetchPlan, deps: FetchDeps): Promise<void> {
  return writePrivateFile(join(fetchFolder(deps.blobs, fetch.fetchId), PLAN_FILE), JSON.stringify(plan));
}

/** The files of a plan as workflows know them. */
export function itemsOf(files: readonly PlannedDownload[]): readonly FetchItem[] {
  return files.map(({ name, revision, size, snaps, tellsNeeds }) => ({
    name,
    revision,
    size,
    snaps,
    tellsNeeds,
  }));
}

/** What every wanted channel gives, each place once. Of a whole store, what is in none of the channels stays behind. */
async function placesOf(
  { names, store, channels, architectures, whole: wish }: FetchSnapsInput,
  client: StoreClient,
  signal: AbortSignal,
): Promise<{ readonly places: readonly FetchedPlace[]; readonly warnings: readonly string[] }> {
  const whole = names.length === 0;
  const found = new Map<string, FetchedPlace>();
  const listed = whole ? await client.snapNames(store ?? '', signal) : { names, warnings: [] };
  const warnings = [...listed.warnings];
  for (const name of listed.names)
    for (const channel of channels)
      for (const architecture of architectures) {
        const snap = await client.resolve({ name, channel, architecture }, signal).catch((error: unknown) => {
          if (whole && error instanceof UpstreamError && error.code === 'snap-not-upstream') return undefined;
          throw error;
        });
        if (snap === undefined) continue;
        const effective = heldBy(snap, channel);
        if (effective !== channel && !(whole && channels.includes(effective)))
          warnings.push(`${channel} of ${name} holds nothing for ${architecture}: ${effective} was fetched`);
        found.set(`${name} ${effective} ${architecture}`, { channel: effective, architecture, snap });
      }
  if (found.size === 0 && wish === undefined)
    throw new UpstreamError(
      'snap-not-upstream',
      `cannot fetch store ${store ?? ''}: none of its snaps is in ${channels.join(', ')} for ${architectures.join(', ')}`,
    );
  return { places: [...found.values()], warnings };
}

/** The channel that holds what was given for one: an empty channel gives what the next safer one has, and must stay empty. */
export function heldBy(snap: UpstreamSnap, asked: string): string {
  const effective = snap['effective-channel'];
  return effective ? channelName(parseChannel(effective)) : asked;
}

/**
 * Room for the archives of all files, and for those that wait for theirs, be it on one disk or on two.
 * @param coming files that are to be downloaded
 * @throws BundleError `disk-full`
 */
export async function requireRoom(
  input: FetchSnapsInput,
  { downloads, archives }: { readonly downloads: string; readonly archives: string },
  coming: readonly PlannedDownload[],
  all: readonly PlannedDownload[],
): Promise<void> {
  const [one, other] = await Promise.all([stat(downloads), stat(archives)]);
  const waiting = bytesWaiting(coming, writesAsTheyCome(input, all));
  const written = all.reduce((sum, { size }) => sum + size, 0);
  if (one.dev === other.dev) return requireFreeBytes(archives, waiting + written);
  await requireFreeBytes(downloads, waiting);
  await requireFreeBytes(archives, written);
}

/** What `resolveAll` kept. */
export async function openPlan(fetch: RunningFetch, deps: FetchParts): Promise<OpenPlan> {
  const path = join(fetchFolder(deps.blobs, fetch.fetchId), PLAN_FILE);
  const identity = await fileIdentity(path);
  const known = deps.plans.get(identity);
  if (known !== undefined) return known;
  const plan = planSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  const snaps = Map.groupBy(plan.places, ({ snap }) => snap.name);
  const open = { plan, snaps, files: downloadsOf(plan), supports: new Map() };
  deps.plans.set(identity, open);
  return open;
}

/** Every file of the plan once, in the order in which downloads count them: several channels may hold the same revision. */
export function downloadsOf({ places, leftOut }: FetchPlan): readonly PlannedDownload[] {
  const left = new Set(leftOut);
  const found = new Map<string, PlannedDownload>();
  const add = (snap: UpstreamSnap, file: UpstreamSnap['download'], rest: Named) => {
    const { 'sha3-384': digest, size, url } = file;
    if (left.has(digest)) return;
    const known = found.get(digest);
    const snaps = [...new Set([...(known?.snaps ?? []), snap.name])];
    found.set(digest, known ? { ...known, snaps } : { ...rest, size, url, digest, snaps });
  };
  for (const { snap } of places) {
    const { name, revision, download, resources, 'snap-yaml': yaml } = snap;
    add(snap, download, { name, revision, tellsNeeds: !yaml });
    for (const part of resources ?? [])
      add(snap, part.download, {
        name: `${name}+${part.name}`,
        revision: part.revision,
        tellsNeeds: false,
      });
  }
  return [...found.values()];
}

type Named = Pick<PlannedDownload, 'name' | 'revision' | 'tellsNeeds'>;

/** Where a file of the fetch is, from its download to the end of its archive. */
export function stagedFile(fetch: RunningFetch, digest: string, { blobs }: Pick<FetchDeps, 'blobs'>): string {
  return join(fetchFolder(blobs, fetch.fetchId), digest);
}

/**
 * What is there already. A snap's file is left out only where the upstream tells what it says of itself, and for a moment only
 * where it tells since when the channel has it.
 */
export async function leftOutOf(
  input: FetchSnapsInput,
  places: readonly FetchedPlace[],
  deps: FetchDeps,
): Promise<Pick<FetchPlan, 'leftOut' | 'rest'>> {
  const known = await knownThere(input.basis, input, deps.database.queries);
  if (known === undefined) return { leftOut: [], rest: null };
  const { rest, digests } = known;
  // At a moment it is what the upstream offered that counts, not what this host has.
  const isKnown = (digest: string) => rest.kind !== 'time' && digests.has(digest);
  const isBefore = (moment: string | null | undefined) =>
    rest.kind === 'time' && !!moment && Date.parse(moment) <= Date.parse(rest.at);
  const leftOut = new Set<string>();
  for (const { snap } of places) {
    const file = snap.download['sha3-384'];
    const released = isBefore(snap['released-at']);
    if ((isKnown(file) || released) && snap['snap-yaml']) leftOut.add(file);
    for (const { download, 'created-at': createdAt } of snap.resources ?? [])
      if (isKnown(download['sha3-384']) || (released && isBefore(createdAt)))
        leftOut.add(download['sha3-384']);
  }
  return { leftOut: [...leftOut], rest };
}

/** Downloads one file of the plan, or goes on with what an interrupted run left of it. */
export async function downloadPlanned(
  fetch: RunningFetch,
  index: number,
  deps: FetchParts,
  options: DownloadOptions,
): Promise<void> {
  const wanted = (await openPlan(fetch, deps)).files[index];
  if (wanted === undefined) throw new TypeError('internal error: a download that was not planned');
  const { url, size, digest } = wanted;
  const path = stagedFile(fetch, digest, deps);
  await download(await upstreamClient(deps, fetch), { url, digest, size, path }, options);
  await deps.verified.add(path);
}
