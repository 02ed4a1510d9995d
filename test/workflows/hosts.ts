/** The parts of two hosts of a transfer, on real parts and with no test framework: benches use them too. */
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatTimestamp, hexToSnapSha3, signAssertion } from '../../src/assertions/index.ts';
import { createExportActivities } from '../../src/activities/exports.ts';
import { withFailures } from '../../src/activities/errors.ts';
import { createImportActivities } from '../../src/activities/imports.ts';
import { readSnapMetadata, type SnapMetadata } from '../../src/activities/snap-file.ts';
import { revisionFacts } from '../../src/snaps/index.ts';
import { TokenOffice } from '../../src/storage/authority/index.ts';
import {
  SettingStore,
  addAssertions,
  openDatabase,
  openFileBlobStore,
  parseBlobDigest,
  type FileBlobStore,
  type Database,
  type DatabaseLocation,
} from '../../src/storage/index.ts';
import { makeBrandChain, type BrandChain } from '../support/brand-chain.ts';
import { packSnap, type SnapRecipe } from '../support/snap-files.ts';

export const AT = new Date('2026-02-03T04:05:06.000Z');
const SIGNED = new Date('2025-01-01T00:00:00Z');

/** A host with a database, blobs and settings of its own. */
export interface Host {
  readonly folder: string;
  readonly database: Database;
  readonly blobs: FileBlobStore;
  readonly settings: SettingStore;
  /** Ids of account-keys that an import reported to waiting registrations. */
  readonly pushedKeys: string[];
  readonly activities: object;
}

/** @param location where the database is, if not in the folder */
export async function openHost(
  folder: string,
  now: () => Date = () => new Date(),
  location: DatabaseLocation = { file: join(folder, 'database.sqlite') },
): Promise<Host> {
  const database = await openDatabase(location);
  const blobs = await openFileBlobStore(join(folder, 'blobs'), join(folder, 'staging'));
  const settings = new SettingStore(database, { seal: (_, text) => text, open: (_, text) => text });
  const pushedKeys: string[] = [];
  const activities = withFailures({
    ...createImportActivities({
      database,
      blobs,
      now,
      accountKeyPushed: async (keyId) => void pushedKeys.push(keyId),
    }),
    ...createExportActivities({
      database,
      blobs,
      settings,
      tokens: new TokenOffice({ database, settings, random: randomBytes }),
      now,
      exportFolder: join(folder, 'exports'),
      location: 'authority.example',
    }),
  });
  return { folder, database, blobs, settings, pushedKeys, activities };
}

/** Where a snap of the outside host is. */
export interface Placement {
  readonly revision: number;
  readonly store: string;
  readonly private?: boolean;
  readonly channels: readonly string[];
  readonly publisher?: string;
}

/** The outside host: a root of trust, a brand with a device-view store that includes two snaps of the general store by name. */
export class Outside {
  readonly host: Host;
  readonly chain: BrandChain;

  private constructor(host: Host, chain: BrandChain) {
    this.host = host;
    this.chain = chain;
  }

  static async on(host: Host): Promise<Outside> {
    const chain = await makeBrandChain('my-brand');
    const { database } = host;
    await addAssertions(database.queries, chain.roots, { at: AT, trusted: true });
    await addAssertions(database.queries, chain.brand, { at: AT });
    const at = AT.toISOString();
    await database.queries
      .insertInto('Account')
      .values([
        {
          id: 'my-brand',
          username: 'my-brand',
          displayName: 'My Brand',
          validation: 'verified',
          email: null,
          createdAt: at,
        },
        {
          id: 'ada',
          username: 'ada',
          displayName: 'Ada',
          validation: 'unproven',
          email: 'ada@example.com',
          createdAt: at,
        },
      ])
      .execute();
    await database.queries
      .insertInto('Store')
      .values([
        { id: 'ubuntu', name: 'General', kind: 'general', brandId: null, createdAt: at, changedAt: at },
        {
          id: 'brand-main',
          name: 'Brand main',
          kind: 'brand',
          brandId: 'my-brand',
          createdAt: at,
          changedAt: at,
        },
        {
          id: 'brand-devices',
          name: 'Brand devices',
          kind: 'device-view',
          brandId: 'my-brand',
          createdAt: at,
          changedAt: at,
        },
      ])
      .execute();
    await database.queries
      .insertInto('StoreRole')
      .values({ storeId: 'brand-devices', accountId: 'ada', role: 'admin' })
      .execute();
    await database.queries
      .insertInto('StoreInclusion')
      .values([
        { storeId: 'brand-devices', includedStoreId: 'brand-main', allSnaps: true },
        { storeId: 'brand-devices', includedStoreId: 'ubuntu', allSnaps: false },
      ])
      .execute();
    return new Outside(host, chain);
  }

  /** Puts a general snap on the device-view store's list. */
  async include(name: string): Promise<void> {
    await this.host.database.queries
      .insertInto('StoreInclusionSnap')
      .values({ storeId: 'brand-devices', includedStoreId: 'ubuntu', snapId: snapIdOf(name), snapName: name })
      .execute();
  }

  /** Publishes a revision: a real squashfs file, its assertions, its rows. */
  async publish(recipe: SnapRecipe, placement: Placement): Promise<{ readonly digest: string }> {
    const file = join(this.host.folder, 'staging', `${recipe.name}-${recipe.version}`);
    await packSnap(recipe, file);
    const bytes = await readFile(file);
    const digest = createHash('sha3-384').update(bytes).digest('hex');
    await this.publishFile(file, { digest, size: bytes.byteLength }, placement);
    return { digest };
  }

  /** The same of a file that is there, and goes from where it is. */
  async publishFile(
    file: string,
    { digest, size }: { readonly digest: string; readonly size: number },
    placement: Placement,
  ): Promise<void> {
    const { database, blobs } = this.host;
    await blobs.adopt(file, parseBlobDigest(digest));
    const metadata = await readSnapMetadata(blobs.pathOf(parseBlobDigest(digest)));
    const { name } = metadata.yaml;
    const snapId = snapIdOf(name);
    const publisher = placement.publisher ?? 'my-brand';
    const base = { 'authority-id': 'test-root', timestamp: formatTimestamp(SIGNED) };
    const sign = this.chain.rootSigner;
    await addAssertions(
      database.queries,
      [
        await signAssertion(
          {
            type: 'snap-declaration',
            headers: {
              ...base,
              series: '16',
              'snap-id': snapId,
              'snap-name': name,
              'publisher-id': publisher,
            },
          },
          sign,
          SIGNED,
        ),
        await signAssertion(
          {
            type: 'snap-revision',
            headers: {
              ...base,
              'snap-sha3-384': hexToSnapSha3(digest),
              'snap-id': snapId,
              'snap-size': String(size),
              'snap-revision': String(placement.revision),
              'developer-id': publisher,
            },
          },
          sign,
          SIGNED,
        ),
      ],
      { at: AT },
    );
    await this.#rows(metadata, placement, { snapId, publisher, digest, size });
  }

  async #rows(
    { text, yaml }: SnapMetadata,
    placement: Placement,
    made: {
      readonly snapId: string;
      readonly publisher: string;
      readonly digest: string;
      readonly size: number;
    },
  ): Promise<void> {
    const { queries } = this.host.database;
    const at = AT.toISOString();
    await queries
      .insertInto('Snap')
      .values({
        snapId: made.snapId,
        name: yaml.name,
        storeId: placement.store,
        publisherId: made.publisher,
        private: placement.private ?? false,
        type: yaml.type,
        title: yaml.name,
        summary: yaml.summary,
        description: yaml.description,
        license: null,
        contact: null,
        website: null,
        links: {},
        media: [],
        categories: [],
        defaultTrack: null,
        createdAt: at,
        changedAt: at,
      })
      .onConflict((conflict) => conflict.column('snapId').doNothing())
      .execute();
    await queries
      .insertInto('SnapRevision')
      .values({
        snapId: made.snapId,
        revision: placement.revision,
        sha3_384: made.digest,
        size: made.size,
        ...revisionFacts(yaml),
        snapYaml: text,
        createdAt: at,
      })
      .execute();
    for (const channel of placement.channels) {
      const [track = '', risk = ''] = channel.split('/');
      const [architecture = ''] = yaml.architectures;
      const place = { snapId: made.snapId, track, risk, branch: '', architecture };
      await queries
        .updateTable('ChannelRelease')
        .set({ endedAt: at })
        .where((eb) => eb.and(place))
        .execute();
      await queries
        .insertInto('ChannelRelease')
        .values({
          ...place,
          revision: placement.revision,
          releasedAt: new Date(AT.getTime() + placement.revision * 1000).toISOString(),
          expiresAt: null,
          percentage: null,
          progressiveKey: null,
          paused: false,
          endedAt: null,
        })
        .execute();
    }
  }

  /** The snaps of the journey: an app of the brand in two revisions, its base, snapd, and one that is not included. */
  async publishJourney(): Promise<void> {
    const brand = { store: 'brand-main', private: true };
    await this.publish(
      { name: 'my-app', version: '1', type: 'app', base: 'my-base', payload: 300_000 },
      { ...brand, revision: 1, channels: ['latest/stable'] },
    );
    await this.publish(
      { name: 'my-app', version: '2', type: 'app', base: 'my-base', payload: 300_000 },
      { ...brand, revision: 2, channels: ['latest/edge'] },
    );
    await this.publish(
      { name: 'my-base', version: '22', type: 'base' },
      { store: 'ubuntu', revision: 5, channels: ['latest/stable'] },
    );
    await this.publish(
      { name: 'snapd', version: '2.77', type: 'snapd' },
      { store: 'ubuntu', revision: 9, channels: ['latest/stable'] },
    );
    await this.publish(
      { name: 'stranger', version: '1', type: 'app', base: 'my-base' },
      { store: 'ubuntu', revision: 1, channels: ['latest/stable'] },
    );
    await this.include('my-base');
    await this.include('snapd');
  }
}

export const snapIdOf = (name: string): string =>
  createHash('sha256').update(name).digest('hex').slice(0, 32);
