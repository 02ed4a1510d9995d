import { readFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { decodeStream, type Assertion } from '../../assertions/index.ts';
import { fileNames, readMetadataText, type ManifestAdmin } from '../../bundles/index.ts';
import { createPrivateFile, writePrivateFile } from '../../config/index.ts';
import { tokenDigest } from '../../publishers/index.ts';
import type { AssertionFetcher, StoreAdminFacts } from '../../upstream/index.ts';
import type { ExportOutcome } from '../../workflows/export-contract.ts';
import type { FetchSnapsInput, StoreWish } from '../../workflows/fetch-contract.ts';
import { exporterSigner, leftOutOf, writeArchive } from '../exports/archive.ts';
import { exportedRevisions } from '../exports/store-export.ts';
import { makeExportFolder } from '../exports/folder.ts';
import { refreshOf } from './login.ts';
import type { FetchWriting } from './archives.ts';
import { broughtAlong } from './dependencies.ts';
import { fetchedMaterial, openSources, snapBySnap, warningsOf } from './materials.ts';
import { fetchFolder } from './client.ts';
import { type FetchParts } from './plan.ts';
import { requireOwnKeys, verifyFetched } from './trust.ts';
import { writeWhole } from '../exports/free-path.ts';

/** Life of an admin token: one year, as the documented one (protocol/operators.md 2.1), and no longer than the log-in. */
const TOKEN_DAYS = 365;
const TOKEN_FILE = 'admin-token';
const TOKEN_BYTES = 32;

/**
 * Writes a whole store of the upstream, an authority, into one archive: metadata, account-keys, the snaps that were downloaded, and
 * the token of the admin who fetched it. Everything is verified down to a trusted root; the archive is this host's own export.
 * @throws UpstreamError, AssertionError, SnapError, BundleError
 */
export async function writeFetchedStore(
  input: FetchSnapsInput,
  wish: StoreWish,
  at: Date,
  deps: FetchParts,
  writing: FetchWriting,
): Promise<ExportOutcome> {
  const store = input.store ?? '';
  const sources = await openSources(input, deps, writing.signal);
  const { client, fetcher, plan } = sources;
  const { rest } = plan;
  const about = await client.storeAdmin(store, writing.signal);
  const { head, members } = await readMetadataText(await client.metadata(store, writing.signal), store);
  const streams = new Map([...members].map(([name, stream]) => [name, decodeStream(stream)] as const));
  const brandId = head.manifest.stores.find(({ id }) => id === store)?.brandId;
  streams.set('keys/account-keys.assert', await keysOf(wish, brandId, fetcher));
  await verifyFetched([...streams.values()].flat(), deps);
  const found = await snapBySnap(sources, writing.signal, (name) => fetchedMaterial(sources, name, at, deps));
  const materials = found.map(({ material }) => material);
  const token = await adminToken(input, deps);
  const folder = await makeExportFolder(input.exportDir, deps.exportFolder);
  const written = await writeArchive(
    { folder, nameAt: (time) => fileNames.storeExport(store, time), at },
    {
      kind: 'store',
      store,
      createdAt: at,
      complete: false,
      stores: head.manifest.stores,
      admin: adminEntry(about, token, at),
      streams,
      snaps: materials,
      ...(!wish.snaps && { awaits: head.manifest.awaits }),
      rest: rest ?? undefined,
    },
    await exporterSigner(deps.settings, at),
    {
      signal: writing.signal,
      onProgress: (bytes) => writing.onBytes?.(bytes),
    },
  );
  const tokenPlace = { folder, nameAt: (time: string) => fileNames.adminToken(store, time), at };
  return {
    files: [{ subject: store, path: written.path, size: written.size }],
    tokenFile: await writeWhole(tokenPlace, Buffer.from(`${token}\n`), 0o600),
    snaps: exportedRevisions(materials),
    accountKeys: [...wish.keys],
    warnings: warningsOf(plan, found),
    ...(input.withDependencies && { dependencies: broughtAlong(plan) }),
    ...(rest && { leftOut: leftOutOf(materials) }),
    ...(await refreshOf(fetchFolder(deps.blobs, input.fetchId))),
  };
}

/** The brand's account-keys that were asked for, with their chains; those of another account would be carried in unnoticed. */
async function keysOf(
  { keys }: StoreWish,
  brandId: string | null | undefined,
  fetcher: AssertionFetcher,
): Promise<readonly Assertion[]> {
  if (keys.length === 0) return [];
  const found = await fetcher.chain(
    ...keys.map((key) => ({ type: 'account-key' as const, primaryKey: [key] })),
  );
  requireOwnKeys(brandId ?? undefined, keys, found);
  return found;
}

/** The token of this fetch, made once and whole: a repeat after an interruption finds it. */
async function adminToken(input: FetchSnapsInput, deps: FetchParts): Promise<string> {
  const file = join(fetchFolder(deps.blobs, input.fetchId), TOKEN_FILE);
  const fresh = randomBytes(TOKEN_BYTES).toString('base64url');
  await createPrivateFile(file, fresh);
  const token = await readFile(file, 'utf8');
  if (Buffer.from(token, 'base64url').byteLength === TOKEN_BYTES) return token;
  // Cut off, by a run that did not write it whole: a token that anybody can guess.
  await writePrivateFile(file, fresh);
  return fresh;
}

function adminEntry(about: StoreAdminFacts, token: string, at: Date): ManifestAdmin {
  const digest = tokenDigest(token);
  const year = new Date(at.getTime() + TOKEN_DAYS * 86_400_000).toISOString();
  const { accountId, username, displayName, email, expires } = about;
  return {
    accountId,
    username,
    displayName,
    email,
    tokenDigest: digest,
    tokenId: digest.slice(0, 32),
    tokenExpiresAt: expires !== null && expires < year ? expires : year,
  };
}
