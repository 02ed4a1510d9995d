import { rm } from 'node:fs/promises';
import type { ExportOutcome, ExportedFile, ExportedRevision } from '../../workflows/export-contract.ts';
import type { FetchSnapsInput } from '../../workflows/fetch-contract.ts';
import { exporterSigner, leftOutOf, writeSnapArchive } from '../exports/archive.ts';
import { makeExportFolder } from '../exports/folder.ts';
import { broughtAlong } from './dependencies.ts';
import { fetchedMaterials, openSources } from './materials.ts';
import { refreshOf } from './login.ts';
import { fetchFolder } from './client.ts';
import { type FetchParts, type FetchedPlace } from './staging.ts';
import { isAirgapped } from './outside.ts';

/** How to stop the writing, and who wants to know how far it is. */
export interface FetchWriting {
  readonly signal: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Verifies what was downloaded down to a trusted root, and writes one archive for each snap. Where the host becomes air-gapped meanwhile,
 * none of them stays.
 * @throws UpstreamError, AssertionError, SnapError
 */
export async function writeFetched(
  input: FetchSnapsInput,
  at: Date,
  deps: FetchParts,
  { signal, onBytes }: FetchWriting,
): Promise<ExportOutcome> {
  const sources = await openSources(input, deps, signal);
  const { plan } = sources;
  const { rest } = plan;
  const folder = await makeExportFolder(input.exportDir, deps.exportFolder);
  const signer = await exporterSigner(deps.settings, at);
  const files = new Map<string, ExportedFile>();
  let bytes = 0;
  const found = await fetchedMaterials(input, sources, at, deps, signal, async (material) => {
    const { name } = material.snap;
    let own = 0;
    const written = await writeSnapArchive({ folder, at }, material, rest ?? undefined, signer, {
      signal,
      onProgress: (written) => {
        bytes += written - own;
        own = written;
        onBytes?.(bytes);
      },
    });
    files.set(name, { subject: name, path: written.path, size: written.size });
  }).catch(async (error: unknown) => {
    if (await isAirgapped(deps.settings))
      for (const { path } of files.values()) await rm(path, { force: true });
    throw error;
  });
  return {
    files: found.materials.flatMap(({ snap }) => files.get(snap.name) ?? []),
    tokenFile: null,
    snaps: plan.places.map(lineOf),
    accountKeys: [],
    warnings: found.warnings,
    ...(input.withDependencies && { dependencies: broughtAlong(plan) }),
    ...(rest && { leftOut: leftOutOf(found.materials) }),
    ...(await refreshOf(fetchFolder(deps.blobs, input.fetchId))),
  };
}

function lineOf({ snap, channel, architecture }: FetchedPlace): ExportedRevision {
  return { name: snap.name, revision: snap.revision, channel, architecture };
}
