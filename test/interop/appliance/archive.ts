import { createHash, generateKeyPairSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename, dirname } from 'node:path';
import {
  writeArchive,
  type ArchiveMaterial,
  type SnapMaterial,
} from '../../../src/activities/exports/archive.ts';
import { optionalText, type Assertion } from '../../../src/assertions/index.ts';
import { GENERAL_STORE } from '../../../src/brands/index.ts';
import { manifestSigner, type ManifestSigner } from '../../../src/bundles/index.ts';
import type { Chain, ChainSnap } from './chain.ts';

/** A brand as its store's export describes it. */
export interface Brand {
  readonly id: string;
  readonly store: string;
  /** Snaps of the general store that the brand's devices may have. */
  readonly includes: readonly string[];
  /** The account that the export names as admin, and its address. */
  readonly admin: string;
  readonly email: string;
  /** Text of the admin token; only its digest is in the archive. */
  readonly token: string;
}

/** The brands of a chain. What one includes of the general store the other does not all include. */
export const BRANDS = {
  own: {
    id: 'my-brand',
    store: 'my-brand-store',
    includes: ['snapd', 'my-base', 'sim-app-1'],
    admin: 'my-brand',
    email: 'admin@my-brand.example',
    token: 'exported-token-of-my-brand',
  },
  other: {
    id: 'other-brand',
    store: 'other-store',
    includes: ['snapd', 'my-base'],
    admin: 'other-brand',
    email: 'admin@other-brand.example',
    token: 'exported-token-of-other-brand',
  },
  /** Signs serials of one of my-brand's models, as its model assertion allows; the same person is admin of both. */
  partner: {
    id: 'serial-partner',
    store: 'partner-store',
    includes: ['snapd'],
    admin: 'my-brand',
    email: 'admin@my-brand.example',
    token: 'exported-token-of-serial-partner',
  },
} as const satisfies Record<string, Brand>;

/** A key of an exporting machine. */
export function newExporter(): Promise<ManifestSigner> {
  return manifestSigner(generateKeyPairSync('ed25519').privateKey);
}

/** Writes the export of a brand's store, as the authority that devicesim plays would hand it over. */
export async function writeStoreArchive(
  chain: Chain,
  brand: Brand,
  options: {
    readonly path: string;
    readonly exporter: ManifestSigner;
    readonly createdAt: Date;
    /** A store whose snaps come along, whosever they are: such an export must be refused. */
    readonly alsoSnapsOf?: string;
  },
): Promise<void> {
  const stores = [brand.store, options.alsoSnapsOf];
  const { path, exporter, createdAt } = options;
  const place = { folder: dirname(path), nameAt: () => basename(path), at: createdAt };
  await writeArchive(place, materialOf(chain, brand, stores, createdAt), exporter, {});
}

/** A store below a brand's, with its window onto that one and the general store. */
export interface SubStore {
  readonly id: string;
  /** Snaps of the brand's store that it shows. */
  readonly shows: readonly string[];
}

/** The sub-store of a chain. */
export const SUB_STORE: SubStore = { id: 'my-sub-store', shows: ['my-agent'] };

/** Writes the export of a brand's sub-store. Its snaps are at the other host already. */
export async function writeSubStoreArchive(
  chain: Chain,
  brand: Brand,
  { id, shows }: SubStore,
  options: { readonly path: string; readonly exporter: ManifestSigner; readonly createdAt: Date },
): Promise<void> {
  const { path, exporter, createdAt } = options;
  const listed = (store: string, names: readonly string[]) => ({
    store,
    snaps: chain.snaps
      .filter(({ name }) => names.includes(name))
      .map(({ name, 'snap-id': snapId }) => ({ snapId, name })),
  });
  const includes = [listed(brand.store, shows), listed(GENERAL_STORE, brand.includes)];
  const place = { folder: dirname(path), nameAt: () => basename(path), at: createdAt };
  const material = {
    kind: 'store',
    store: id,
    createdAt,
    complete: false,
    stores: [
      { id, name: 'Resellers', kind: 'device-view', brandId: brand.id, parent: brand.store, includes },
      { id: GENERAL_STORE, name: 'General', kind: 'general', brandId: null, includes: [] },
    ],
    admin: null,
    streams: new Map([
      [
        'assertions/store.assert',
        chain.assertions.filter((one) => isShared(one, brand) || isShared(one, { ...brand, store: id })),
      ],
      ['keys/account-keys.assert', chain.assertions.filter(({ type }) => type === 'account-key')],
    ]),
    snaps: [],
  } as const satisfies ArchiveMaterial;
  await writeArchive(place, material, exporter, {});
}

function materialOf(
  chain: Chain,
  brand: Brand,
  stores: readonly (string | undefined)[],
  createdAt: Date,
): ArchiveMaterial {
  const included = chain.snaps.filter(({ name }) => brand.includes.includes(name));
  const own = chain.snaps.filter(({ store }) => stores.includes(store));
  return {
    kind: 'store',
    store: brand.store,
    createdAt,
    complete: true,
    stores: [
      {
        id: brand.store,
        name: `Store of ${brand.id}`,
        kind: 'brand',
        brandId: brand.id,
        includes: [
          {
            store: GENERAL_STORE,
            snaps: included.map((snap) => ({ snapId: snap['snap-id'], name: snap.name })),
          },
        ],
      },
      { id: GENERAL_STORE, name: 'General', kind: 'general', brandId: null, includes: [] },
    ],
    admin: {
      accountId: brand.admin,
      username: brand.admin,
      displayName: `Admin ${brand.admin}`,
      email: brand.email,
      tokenDigest: createHash('sha3-384').update(brand.token).digest('hex'),
      tokenId: `token-of-${brand.id}`,
      tokenExpiresAt: null,
    },
    streams: new Map([
      ['assertions/store.assert', chain.assertions.filter((one) => isShared(one, brand))],
      ['keys/account-keys.assert', chain.assertions.filter(({ type }) => type === 'account-key')],
    ]),
    snaps: [...included, ...own].map((snap) => snapMaterial(chain, snap)),
  };
}

/** Accounts, the brand's store and its validation sets. */
function isShared(assertion: Assertion, brand: Brand): boolean {
  if (assertion.type === 'account') return true;
  if (assertion.type === 'store') return optionalText(assertion, 'store') === brand.store;
  return assertion.type === 'validation-set' && optionalText(assertion, 'account-id') === brand.id;
}

function snapMaterial(chain: Chain, snap: ChainSnap): SnapMaterial {
  const { name, type, title, summary, description, license } = snap;
  return {
    snap: {
      snapId: snap['snap-id'],
      name,
      store: snap.store === '' ? GENERAL_STORE : snap.store,
      private: snap.private,
      publisherId: snap.publisher.id,
      type,
      title,
      summary,
      description,
      license,
      contact: null,
      website: null,
      links: {},
      media: [],
      categories: [],
      defaultTrack: null,
      channels: snap['channel-map'].map((release) => ({
        channel: `${release.track}/${release.risk}`,
        architecture: release.architecture,
        revision: release.revision,
        releasedAt: new Date(release['released-at']).toISOString(),
        percentage: null,
        progressiveKey: null,
        paused: false,
        expiresAt: null,
      })),
    },
    revisions: snap.revisions.map((revision) => ({
      revision: {
        revision: revision.revision,
        version: revision.version,
        digest: revision['sha3-384'],
        size: revision.size,
        architectures: [revision.architecture],
        type,
        base: snap.base ?? null,
        confinement: 'strict',
        grade: 'stable',
        provenance: 'global-upload',
        epoch: { read: [0], write: [0] },
        createdAt: new Date(revision['created-at']).toISOString(),
      },
      open: async () => createReadStream(chain.path(revision.file)),
      assertions: chain.assertionsOf(snap['snap-id'], revision.revision),
    })),
  };
}
