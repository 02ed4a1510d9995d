import { join } from 'node:path';
import { formatTimestamp, signAssertion, type Assertion, type Signer } from '../../src/assertions/index.ts';
import { addAssertions } from '../../src/storage/index.ts';
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
    const placement = { store, private: store !== 'ubuntu', revision: 1, channels: ['latest/stable'] };
    await outside.publishFile(wish.path, { digest, size: wish.size }, placement);
    if (store === 'ubuntu') await outside.include(name);
    snaps.push({ name, snapId: snapIdOf(name), digest, size: wish.size });
  }
  return snaps;
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
