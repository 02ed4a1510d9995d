import { rm } from 'node:fs/promises';
import type { ExportOutcome, ExportedRevision, LeftOut } from '../../workflows/export-contract.ts';
import type { FetchSnapsInput, RunningFetch } from '../../workflows/fetch-contract.ts';
import { crashPoint } from '../crash-point.ts';
import { exporterSigner, leftOutOf, writeSnapArchive } from '../exports/archive.ts';
import { makeExportFolder } from '../exports/folder.ts';
import { broughtAlong } from './dependencies.ts';
import { finishedSnap, keepFinished, type FinishedSnap } from './finished-snaps.ts';
import { fetchedMaterial, openSources, snapBySnap, warningsOf, type FetchSources } from './materials.ts';
import { refreshOf } from './login.ts';
import { fetchFolder } from './client.ts';
import { type FetchParts, type FetchedPlace } from './plan.ts';
import { stagedFile } from './staging.ts';

/** How to stop the writing, and who wants to know how far it is. */
export interface FetchWriting {
  readonly signal: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Verifies one snap whose files are all here down to a trusted root, writes its archive, and removes the files. A repeat finds what it
 * finished, with or without them.
 * @throws UpstreamError, AssertionError, SnapError, BundleError
 */
export async function writeFetchedSnap(
  fetch: RunningFetch,
  name: string,
  at: Date,
  deps: FetchParts,
  signal: AbortSignal,
): Promise<void> {
  await finish(await openSources(fetch, deps, signal), name, at, deps, { signal });
}

/**
 * Writes the archives of those snaps that have none yet, and says what the fetch brought.
 * @throws UpstreamError, AssertionError, SnapError, BundleError
 */
export async function writeFetched(
  input: FetchSnapsInput,
  at: Date,
  deps: FetchParts,
  { signal, onBytes }: FetchWriting,
): Promise<ExportOutcome> {
  const sources = await openSources(input, deps, signal);
  const { plan } = sources;
  let bytes = 0;
  const onMore = (more: number) => onBytes?.((bytes += more));
  const snaps = await snapBySnap(sources, signal, (name) =>
    finish(sources, name, at, deps, { signal, onMore }),
  );
  return {
    files: snaps.map(({ file }) => file),
    tokenFile: null,
    snaps: plan.places.map(lineOf),
    accountKeys: [],
    warnings: warningsOf(plan, snaps),
    ...(input.withDependencies && { dependencies: broughtAlong(plan) }),
    ...(plan.rest && { leftOut: sumOf(snaps.map(({ leftOut }) => leftOut)) }),
    ...(await refreshOf(fetchFolder(deps.blobs, input.fetchId))),
  };
}

/** How to stop the writing of one archive, and who wants to know of more of its bytes. */
interface Finishing {
  readonly signal: AbortSignal;
  readonly onMore?: (bytes: number) => void;
}

async function finish(
  sources: FetchSources,
  name: string,
  at: Date,
  deps: FetchParts,
  finishing: Finishing,
): Promise<FinishedSnap> {
  const finished =
    (await finishedSnap(sources.fetch, name, deps)) ?? (await write(sources, name, at, deps, finishing));
  crashPoint('fetch-before-removal');
  await removeFiles(sources, name, deps);
  crashPoint('fetch-after-removal');
  return finished;
}

async function write(
  sources: FetchSources,
  name: string,
  at: Date,
  deps: FetchParts,
  { signal, onMore }: Finishing,
): Promise<FinishedSnap> {
  const { fetch, plan } = sources;
  const { material, warnings } = await fetchedMaterial(sources, name, at, deps);
  const folder = await makeExportFolder(fetch.exportDir, deps.exportFolder);
  const signer = await exporterSigner(deps.settings, at);
  let own = 0;
  const { path, size } = await writeSnapArchive({ folder, at }, material, plan.rest ?? undefined, signer, {
    signal,
    onProgress: (written) => {
      onMore?.(written - own);
      own = written;
    },
  });
  crashPoint('fetch-after-archive');
  const finished = { file: { subject: name, path, size }, warnings, leftOut: leftOutOf([material]) };
  await keepFinished(fetch, finished, deps);
  return finished;
}

/** Removes the files of a snap that is finished, but those that wait for the archive of another one as well. */
async function removeFiles({ fetch, files }: FetchSources, name: string, deps: FetchParts): Promise<void> {
  for (const { digest, snaps } of files) {
    if (!snaps.includes(name)) continue;
    const others = snaps.filter((snap) => snap !== name);
    const finished = await Promise.all(others.map((snap) => finishedSnap(fetch, snap, deps)));
    if (!finished.includes(undefined)) await rm(stagedFile(fetch, digest, deps), { force: true });
  }
}

function sumOf(all: readonly LeftOut[]): LeftOut {
  return {
    files: all.reduce((sum, { files }) => sum + files, 0),
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

function lineOf({ snap, channel, architecture }: FetchedPlace): ExportedRevision {
  return { name: snap.name, revision: snap.revision, channel, architecture };
}
