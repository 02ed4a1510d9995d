import { createHash, createPrivateKey } from 'node:crypto';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  type Assertion,
  decodePublicKey,
  decodeStream,
  signAssertion,
  softwareSigner,
  text,
} from '../../../src/assertions/index.ts';
import {
  addAssertions,
  type BlobStore,
  type Database,
  digestOfFile,
  raiseGeneration,
} from '../../../src/storage/index.ts';

import { addSnap, type Transaction } from './snap-rows.ts';

/** What we read of the description of a chain that devicesim signed. */
const manifestSchema = z.object({
  'root-account': z.string(),
  'brand-account': z.string(),
  'brand-store-id': z.string(),
  'proxy-store-id': z.string(),
  models: z.record(z.string(), z.string()),
  keys: z.array(z.object({ 'account-id': z.string(), name: z.string(), 'private-key-pem': z.string() })),
  'all-assertions': z.string(),
  snaps: z.array(
    z.object({
      name: z.string(),
      'snap-id': z.string(),
      type: z.string(),
      store: z.string(),
      private: z.boolean(),
      summary: z.string(),
      description: z.string(),
      title: z.string(),
      license: z.string(),
      publisher: z.object({
        id: z.string(),
        username: z.string(),
        'display-name': z.string(),
        validation: z.string(),
      }),
      revisions: z.array(
        z.object({
          revision: z.number(),
          file: z.string(),
          size: z.number(),
          'sha3-384': z.string(),
          version: z.string(),
          architecture: z.string(),
          'snap-yaml': z.string(),
          'created-at': z.string(),
        }),
      ),
      'channel-map': z.array(
        z.object({
          track: z.string(),
          risk: z.string(),
          architecture: z.string(),
          revision: z.number(),
          'released-at': z.string(),
        }),
      ),
      deltas: z
        .array(
          z.object({
            format: z.string(),
            source: z.number(),
            target: z.number(),
            file: z.string(),
            size: z.number(),
            'sha3-384': z.string(),
          }),
        )
        .nullable(),
    }),
  ),
});

export type ChainManifest = z.output<typeof manifestSchema>;

async function readManifest(folder: string): Promise<ChainManifest> {
  return manifestSchema.parse(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')));
}

/** Puts a whole devicesim chain into a database and a blob store, as an import that was verified would. */
export async function loadChain(
  database: Database,
  blobs: BlobStore,
  folder: string,
): Promise<ChainManifest> {
  const manifest = await readManifest(folder);
  const roots = decodeStream(new Uint8Array(await readFile(join(folder, 'trusted.assert'))));
  const all = decodeStream(new Uint8Array(await readFile(join(folder, manifest['all-assertions']))));
  const at = new Date();
  const general = 'ubuntu';
  const brandStore = manifest['brand-store-id'];
  const globalSnaps = manifest.snaps.filter((snap) => snap.store === '');
  for (const snap of manifest.snaps) {
    for (const file of [...snap.revisions, ...(snap.deltas ?? [])])
      await adopt(blobs, join(folder, file.file), file['sha3-384']);
  }
  await database.transaction(async (queries) => {
    await addAssertions(queries, roots, { at, trusted: true });
    await addAssertions(queries, all, { at });
    for (const account of all.filter((assertion) => assertion.type === 'account')) {
      await queries
        .insertInto('Account')
        .values({
          id: text(account, 'account-id'),
          username: text(account, 'username'),
          displayName: text(account, 'display-name'),
          validation: text(account, 'validation'),
          email: null,
          createdAt: at.toISOString(),
        })
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute();
    }
    const stamp = { createdAt: at.toISOString(), changedAt: at.toISOString() };
    await queries
      .insertInto('Store')
      .values([
        { id: general, name: 'General', kind: 'general', brandId: null, ...stamp },
        { id: brandStore, name: 'Brand', kind: 'brand', brandId: manifest['brand-account'], ...stamp },
      ])
      .execute();
    await queries
      .insertInto('StoreInclusion')
      .values({ storeId: brandStore, includedStoreId: general, allSnaps: false })
      .execute();
    for (const snap of globalSnaps) {
      await queries
        .insertInto('StoreInclusionSnap')
        .values({
          storeId: brandStore,
          includedStoreId: general,
          snapId: snap['snap-id'],
          snapName: snap.name,
        })
        .execute();
    }
    for (const snap of manifest.snaps) await insertSnap(queries, snap, general);
    await raiseGeneration(queries, 'catalog');
  });
  return manifest;
}

async function insertSnap(
  queries: Transaction,
  snap: ChainManifest['snaps'][number],
  general: string,
): Promise<void> {
  const snapId = snap['snap-id'];
  const digests = new Map(snap.revisions.map((revision) => [revision.revision, revision['sha3-384']]));
  await addSnap(queries, {
    ...snap,
    snapId,
    storeId: snap.store === '' ? general : snap.store,
    publisherId: snap.publisher.id,
    revisions: snap.revisions.map((revision) => ({
      revision: revision.revision,
      sha3_384: revision['sha3-384'],
      size: revision.size,
      snapYaml: revision['snap-yaml'],
      createdAt: new Date(revision['created-at']),
    })),
    releases: snap['channel-map'].map((entry) => ({
      channel: `${entry.track}/${entry.risk}`,
      architecture: entry.architecture,
      revision: entry.revision,
      releasedAt: new Date(entry['released-at']),
    })),
  });
  for (const delta of snap.deltas ?? []) {
    await queries
      .insertInto('Delta')
      .values({
        snapId,
        format: delta.format,
        sourceRevision: delta.source,
        targetRevision: delta.target,
        sourceSha3_384: digests.get(delta.source) ?? '',
        targetSha3_384: digests.get(delta.target) ?? '',
        sha3_384: delta['sha3-384'],
        size: delta.size,
        createdAt: new Date().toISOString(),
      })
      .execute();
  }
}

async function adopt(blobs: BlobStore, file: string, digest: string): Promise<void> {
  const staged = join(blobs.stagingFolder, createHash('sha1').update(file).digest('hex'));
  await copyFile(file, staged);
  const found = await digestOfFile(staged);
  if (found.digest !== digest) throw new Error(`the chain lies about ${file}`);
  await blobs.adopt(staged, found.digest);
}

/** Signs a serial of the brand for a device key, as its device service would. */
export async function signSerial(
  folder: string,
  manifest: ChainManifest,
  of: { readonly model: Assertion; readonly deviceKey: string; readonly serial: string },
): Promise<Assertion> {
  const key = manifest.keys.find(
    (each) => each['account-id'] === manifest['brand-account'] && each.name === 'serials',
  );
  if (key === undefined) throw new Error('the chain has no key for serials');
  const pem = await readFile(join(folder, key['private-key-pem']), 'utf8');
  const now = new Date();
  return signAssertion(
    {
      type: 'serial',
      headers: {
        'authority-id': manifest['brand-account'],
        'brand-id': text(of.model, 'brand-id'),
        model: text(of.model, 'model'),
        serial: of.serial,
        'device-key': of.deviceKey,
        'device-key-sha3-384': decodePublicKey(of.deviceKey).keyId,
        timestamp: now.toISOString().replace(/\.\d+Z$/, 'Z'),
      },
    },
    softwareSigner(createPrivateKey(pem)),
    now,
  );
}
