/** The first step of a fetch: what the upstream has of what was wished. */
import { mkdir, stat } from 'node:fs/promises';
import { atOnce } from '../../at-once.ts';
import { requireFreeBytes } from '../../bundles/index.ts';
import { channelName, parseChannel } from '../../snaps/index.ts';
import { UpstreamError, type SnapWish, type StoreClient, type UpstreamSnap } from '../../upstream/index.ts';
import type { FetchItem, FetchSnapsInput } from '../../workflows/fetch-contract.ts';
import { bytesOf, bytesWaiting, writesAsTheyCome } from '../../workflows/fetch-lanes.ts';
import { knownThere } from '../exports/basis.ts';
import { makeExportFolder } from '../exports/folder.ts';
import { fetchFolder, upstreamClient, type FetchDeps } from './client.ts';
import { forgetFinished } from './finished-snaps.ts';
import {
  downloadsOf,
  itemsOf,
  keepPlan,
  type FetchPlan,
  type FetchedPlace,
  type PlannedDownload,
} from './plan.ts';

/** Questions to an upstream at a time: each is short, and the way there may be long. */
const QUESTIONS_AT_ONCE = 4;

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
  await forgetFinished(input, deps);
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

/** What every wanted channel gives, each place once. Of a whole store, what is in none of the channels stays behind. */
async function placesOf(
  { names, store, channels, architectures, whole: wish }: FetchSnapsInput,
  client: StoreClient,
  signal: AbortSignal,
): Promise<{ readonly places: readonly FetchedPlace[]; readonly warnings: readonly string[] }> {
  const whole = names.length === 0;
  const listed = whole ? await client.snapNames(store ?? '', signal) : { names, warnings: [] };
  const wishes = listed.names.flatMap((name) =>
    channels.flatMap((channel) => architectures.map((architecture) => ({ name, channel, architecture }))),
  );
  const answers: (UpstreamSnap | undefined)[] = [];
  const ask = async ([index, one]: readonly [number, SnapWish]) => {
    answers[index] = await client.resolve(one, signal).catch((error: unknown) => {
      if (whole && error instanceof UpstreamError && error.code === 'snap-not-upstream') return undefined;
      throw error;
    });
  };
  const [first, ...others] = wishes.entries();
  // The first alone finds out whether the upstream is there at all, and has an exhausted log-in refreshed for the others.
  if (first !== undefined) await ask(first);
  await atOnce(QUESTIONS_AT_ONCE, others, ask);
  const found = new Map<string, FetchedPlace>();
  const warnings = [...listed.warnings];
  for (const [index, { name, channel, architecture }] of wishes.entries()) {
    const snap = answers[index];
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
  const written = bytesOf(all);
  if (one.dev === other.dev) return requireFreeBytes(archives, waiting + written);
  await requireFreeBytes(downloads, waiting);
  await requireFreeBytes(archives, written);
}

/**
 * What is there already. A snap's file is left out only where the upstream tells what it says of itself, and for a moment only
 * where it tells since when the channel has it.
 */
export async function leftOutOf(
  input: FetchSnapsInput,
  places: readonly FetchedPlace[],
  deps: FetchDeps,
): Promise<Pick<FetchPlan, 'leftOut' | 'there' | 'rest'>> {
  const known = await knownThere(input.basis, input, deps.database.queries);
  if (known === undefined) return { leftOut: [], rest: null };
  const { rest, digests, names } = known;
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
  return { leftOut: [...leftOut], there: [...names], rest };
}
