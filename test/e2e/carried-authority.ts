import { join } from 'node:path';
import {
  formatTimestamp,
  hexToSnapSha3,
  signAssertion,
  type Assertion,
  type Signer,
} from '../../src/assertions/index.ts';
import { readSnapMetadata } from '../../src/activities/snap-file.ts';
import { addAssertions, parseBlobDigest } from '../../src/storage/index.ts';
import { authorityFolder } from '../support/authority-folder.ts';
import { newSigner, type BrandChain } from '../support/brand-chain.ts';
import { AT, snapIdOf, type Outside } from '../workflows/hosts.ts';
import type { Seeded } from './seeded.ts';
import { makeSparseSnaps } from './sparse-snaps.ts';

const SIGNED = new Date('2025-01-01T00:00:00Z');
const MODEL = 'my-model';

/** A snap of the authority. */
export interface AuthoritySnap {
  readonly name: string;
  readonly snapId: string;
  readonly digest: string;
  readonly size: number;
}

/** What a device of the brand brings along. */
export interface FactoryDevice {
  readonly chain: BrandChain;
  readonly device: Signer;
  readonly model: Assertion;
  readonly serial: Assertion;
}

/** An authority's data folder, ready to be served, and what others need of it. */
export interface CarriedAuthority {
  readonly data: string;
  readonly snaps: readonly AuthoritySnap[];
  /** Files: the root to trust, log-ins of the store's viewer and admin. */
  readonly root: string;
  readonly viewer: string;
  readonly admin: string;
  /** Account-keys of the brand, by SHA3-384. */
  readonly keys: readonly string[];
  readonly device: FactoryDevice;
}

/**
 * Makes an authority with a brand store of so many snaps and bytes: every other one private, the rest general and on the
 * store's list. The rows are written straight away, as what is tried is the way from here.
 */
export async function makeAuthority(
  folder: string,
  size: { readonly snaps: number; readonly bytes: number },
  chance: Seeded,
): Promise<CarriedAuthority> {
  const { outside, data, root, login, close } = await authorityFolder(folder);
  try {
    const snaps = await publish(outside, size, chance);
    const device = await makeDevice(outside.chain);
    const serialKey = await outside.chain.accountKey(device.serials.publicKey, 'serials');
    await addAssertions(outside.host.database.queries, [serialKey], { at: AT });
    return {
      data,
      snaps,
      root,
      viewer: await login('package_access'),
      admin: await login('store_admin'),
      keys: [outside.chain.modelKey.keyId, device.serials.publicKey.keyId],
      device,
    };
  } finally {
    await close();
  }
}

async function publish(
  outside: Outside,
  size: { readonly snaps: number; readonly bytes: number },
  chance: Seeded,
): Promise<readonly AuthoritySnap[]> {
  const mean = Math.floor(size.bytes / size.snaps);
  const wishes = Array.from({ length: size.snaps }, (_, index) => {
    const name = `cargo-${String(index).padStart(3, '0')}`;
    return {
      recipe: { name, version: String(index), type: 'app', base: 'bare' } as const,
      path: join(outside.host.folder, 'staging', name),
      size: chance.between(Math.floor(mean / 2), Math.floor((mean * 3) / 2)),
    };
  });
  const digests = await makeSparseSnaps(wishes);
  const snaps: AuthoritySnap[] = [];
  for (const [index, wish] of wishes.entries()) {
    const digest = digests[index] ?? '';
    const store = index % 2 === 0 ? 'brand-main' : 'ubuntu';
    const { name } = wish.recipe;
    const { text } = await readSnapMetadata(wish.path);
    await outside.host.blobs.adopt(wish.path, parseBlobDigest(digest));
    await addRows(outside, {
      name,
      digest,
      size: wish.size,
      version: wish.recipe.version,
      store,
      snapYaml: text,
    });
    if (store === 'ubuntu') await outside.include(name);
    snaps.push({ name, snapId: snapIdOf(name), digest, size: wish.size });
  }
  return snaps;
}

interface Row {
  readonly name: string;
  readonly digest: string;
  readonly size: number;
  readonly version: string;
  readonly store: string;
  readonly snapYaml: string;
}

async function addRows(outside: Outside, row: Row): Promise<void> {
  const { queries } = outside.host.database;
  const snapId = snapIdOf(row.name);
  const base = { 'authority-id': 'test-root', timestamp: formatTimestamp(SIGNED), 'snap-id': snapId };
  const sign = outside.chain.rootSigner;
  const declaration = { series: '16', 'snap-name': row.name, 'publisher-id': 'my-brand' };
  const revision = {
    'snap-sha3-384': hexToSnapSha3(row.digest),
    'snap-size': String(row.size),
    'snap-revision': '1',
    'developer-id': 'my-brand',
  };
  const signed = [
    await signAssertion({ type: 'snap-declaration', headers: { ...base, ...declaration } }, sign, SIGNED),
    await signAssertion({ type: 'snap-revision', headers: { ...base, ...revision } }, sign, SIGNED),
  ];
  await addAssertions(queries, signed, { at: AT });
  const at = AT.toISOString();
  const texts = { title: row.name, summary: row.name, description: '', license: null, contact: null };
  await queries
    .insertInto('Snap')
    .values({
      ...texts,
      snapId,
      name: row.name,
      storeId: row.store,
      publisherId: 'my-brand',
      private: row.store !== 'ubuntu',
      type: 'app',
      website: null,
      links: {},
      media: [],
      categories: [],
      defaultTrack: null,
      createdAt: at,
      changedAt: at,
    })
    .execute();
  await queries
    .insertInto('SnapRevision')
    .values({
      snapId,
      revision: 1,
      sha3_384: row.digest,
      size: row.size,
      version: row.version,
      type: 'app',
      architectures: ['amd64'],
      base: 'bare',
      confinement: 'strict',
      grade: 'stable',
      epoch: { read: [0], write: [0] },
      snapYaml: row.snapYaml,
      provenance: 'global-upload',
      createdAt: at,
    })
    .execute();
  const release = { risk: 'stable', branch: '', revision: 1, expiresAt: null, percentage: null };
  await queries
    .insertInto('ChannelRelease')
    .values({
      ...release,
      snapId,
      track: 'latest',
      architecture: 'amd64',
      releasedAt: at,
      progressiveKey: null,
      paused: false,
      endedAt: null,
    })
    .execute();
}

/** Makes a device of the brand, and the key that signed its serial. */
export async function makeDevice(chain: BrandChain): Promise<FactoryDevice & { readonly serials: Signer }> {
  const [device, serials] = [newSigner(), newSigner()];
  const model = await chain.model(MODEL, { store: 'brand-devices' });
  const headers = {
    'authority-id': chain.brandId,
    'brand-id': chain.brandId,
    model: MODEL,
    serial: 'one',
    'device-key': device.publicKey.encoded,
    'device-key-sha3-384': device.publicKey.keyId,
    timestamp: formatTimestamp(SIGNED),
  };
  return {
    chain,
    device,
    serials,
    model,
    serial: await signAssertion({ type: 'serial', headers }, serials, SIGNED),
  };
}
