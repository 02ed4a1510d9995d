import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import {
  type Assertion,
  formatTimestamp,
  type HeaderValue,
  hexToSnapSha3,
  signAssertion,
  type Signer,
} from '../../../src/assertions/index.ts';
import type { DeviceApiDeps } from '../../../src/api/device/index.ts';
import { addAssertions, type Database, digestOfFile, raiseGeneration } from '../../../src/storage/index.ts';
import { type BrandChain, makeBrandChain, newSigner } from '../../support/brand-chain.ts';
import { type RunningStore, runStore } from './running-store.ts';
import { addSnap, type ReleaseRow, type RevisionRow } from './snap-rows.ts';

/** A brand of the test's world: its chain, its store, and a device of it. */
export interface Brand {
  readonly chain: BrandChain;
  readonly storeId: string;
  readonly model: Assertion;
  readonly serials: Signer;
  readonly device: Signer;
  readonly serial: Assertion;
}

/** A snap of the test's world, with the digests of its files in hex. */
export interface WorldSnap {
  readonly name: string;
  readonly snapId: string;
  readonly digests: readonly string[];
}

/** A store with two brands that must not see each other, and a few snaps of everybody's. */
export interface World extends RunningStore {
  readonly acme: Brand;
  readonly globex: Brand;
  readonly snaps: Readonly<Record<string, WorldSnap>>;
  /** The moment that the store takes for now; tests move it. */
  now: Date;
  /** Changes the database in a transaction, and lets the store notice. */
  change(
    work: (queries: Parameters<Parameters<Database['transaction']>[0]>[0]) => Promise<unknown>,
  ): Promise<void>;
  /** Adds a snap whose revisions are small files made on the spot. */
  addSnap(snap: NewSnap): Promise<WorldSnap>;
  /** Signs by the root and stores. */
  sign(
    type: 'snap-declaration' | 'snap-revision' | 'store' | 'validation',
    headers: Record<string, HeaderValue>,
  ): Promise<void>;
  /** Opens a session as a real device does, and returns its token. */
  session(
    brand: Brand,
    change?: Partial<{ device: Signer; serial: Assertion; model: Assertion }>,
  ): Promise<string>;
  serialOf(brand: Brand, serial: string, device?: Signer, signer?: Signer): Promise<Assertion>;
}

export interface NewSnap {
  readonly name: string;
  readonly storeId: string;
  readonly private?: boolean;
  readonly type?: string;
  readonly yaml?: readonly string[];
  readonly revisions?: number;
  readonly releases?: readonly ReleaseRow[];
  readonly defaultTrack?: string;
  readonly icon?: string;
}

const SINCE = new Date('2024-06-01T00:00:00Z');

/** The id of a snap of that name: made from it, so that tests can name what they never saw. */
export function snapIdOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 32);
}

/** Builds the world. The caller closes it. */
export async function makeWorld(change: Partial<DeviceApiDeps> = {}, postgresql?: string): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'airlock-world-'));
  const clock = { now: new Date('2026-06-01T12:00:00Z') };
  const around = postgresql === undefined ? {} : { postgresql };
  const store = await runStore(folder, { clock: () => clock.now, ...change }, around);
  const [acmeChain, globexChain] = await Promise.all([makeBrandChain('acme'), makeBrandChain('globex')]);
  const acme = await makeBrand(acmeChain, 'acme-store');
  const globex = await makeBrand(globexChain, 'globex-store');
  const snaps: Record<string, WorldSnap> = {};

  async function file(content: string): Promise<{ sha3_384: string; size: number }> {
    const path = join(store.blobs.stagingFolder, `draft-${Math.random()}`);
    await writeFile(path, content);
    const { digest, size } = await digestOfFile(path);
    await store.blobs.adopt(path, digest);
    return { sha3_384: digest, size };
  }

  const world: World = {
    ...store,
    acme,
    globex,
    snaps,
    get now() {
      return clock.now;
    },
    set now(moment) {
      clock.now = moment;
    },
    change: (work) =>
      store.database.transaction(async (queries) => {
        await work(queries);
        await raiseGeneration(queries, 'catalog');
        await raiseGeneration(queries, 'revocations');
      }),
    async addSnap(snap) {
      const snapId = snapIdOf(snap.name);
      const revisions: RevisionRow[] = [];
      for (let revision = 1; revision <= (snap.revisions ?? 2); revision++) {
        const stored = await file(`${snap.name} revision ${revision} `.repeat(200));
        const snapYaml = [
          `name: ${snap.name}`,
          `version: '1.${revision}'`,
          `type: ${snap.type ?? 'app'}`,
          ...(snap.yaml ?? []),
        ].join('\n');
        revisions.push({ revision, ...stored, snapYaml });
      }
      const icon = snap.icon === undefined ? undefined : (await file(snap.icon)).sha3_384;
      await world.change((queries) =>
        addSnap(queries, {
          ...snap,
          snapId,
          private: snap.private ?? false,
          publisherId: 'acme',
          revisions,
          releases: snap.releases ?? [
            { channel: 'latest/stable', revision: 1 },
            { channel: 'latest/edge', revision: 2 },
          ],
          ...(icon !== undefined && { icon }),
        }),
      );
      await world.sign('snap-declaration', {
        series: '16',
        'snap-id': snapId,
        'snap-name': snap.name,
        'publisher-id': 'acme',
      });
      for (const revision of revisions) {
        await world.sign('snap-revision', {
          'snap-sha3-384': hexToSnapSha3(revision.sha3_384),
          'snap-id': snapId,
          'snap-size': String(revision.size),
          'snap-revision': String(revision.revision),
          'developer-id': 'acme',
        });
      }
      const made = { name: snap.name, snapId, digests: revisions.map((revision) => revision.sha3_384) };
      snaps[snap.name] = made;
      return made;
    },
    async sign(type, headers) {
      const assertion = await signAssertion(
        { type, headers: { 'authority-id': 'test-root', timestamp: formatTimestamp(SINCE), ...headers } },
        acmeChain.rootSigner,
        SINCE,
      );
      await world.change((queries) => addAssertions(queries, [assertion], { at: SINCE }));
    },
    serialOf: (brand, serial, device = brand.device, signer = brand.serials) =>
      signSerial(brand, serial, device, signer),
    session: (brand, other = {}) => openSession(store.url, { ...brand, ...other }),
    async close() {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };

  await world.change(async (queries) => {
    for (const { chain, model, storeId } of [acme, globex]) {
      await addAssertions(queries, chain.roots, { at: SINCE, trusted: true });
      await addAssertions(queries, [...chain.brand, model], { at: SINCE });
      const stamp = { createdAt: SINCE.toISOString(), changedAt: SINCE.toISOString() };
      await queries
        .insertInto('Store')
        .values({ id: storeId, name: storeId, kind: 'brand', brandId: chain.brandId, ...stamp })
        .execute();
    }
  });
  for (const brand of [acme, globex]) {
    const key = await brand.chain.accountKey(brand.serials.publicKey, 'serials');
    await world.change((queries) => addAssertions(queries, [key], { at: SINCE }));
  }
  return world;
}

async function makeBrand(chain: BrandChain, storeId: string): Promise<Brand> {
  const model = await chain.model(`${chain.brandId}-model`, { store: storeId });
  const brand = { chain, storeId, model, serials: newSigner(), device: newSigner() };
  return { ...brand, serial: await signSerial(brand, `${chain.brandId}-0001`, brand.device, brand.serials) };
}

function signSerial(
  brand: Pick<Brand, 'chain' | 'model'>,
  serial: string,
  device: Signer,
  signer: Signer,
): Promise<Assertion> {
  return signAssertion(
    {
      type: 'serial',
      headers: {
        'authority-id': brand.chain.brandId,
        'brand-id': brand.chain.brandId,
        model: `${brand.chain.brandId}-model`,
        serial,
        'device-key': device.publicKey.encoded,
        'device-key-sha3-384': device.publicKey.keyId,
        timestamp: formatTimestamp(SINCE),
      },
    },
    signer,
    SINCE,
  );
}

const nonceReply = z.object({ nonce: z.string() });

export async function freshNonce(url: string): Promise<string> {
  const reply = await fetch(`${url}/api/v1/snaps/auth/nonces`, { method: 'POST' });
  return nonceReply.parse(await reply.json()).nonce;
}

/** The three texts of a session request for a fresh nonce. */
export async function sessionTexts(
  url: string,
  who: Pick<Brand, 'device' | 'serial' | 'model'>,
  nonce?: string,
) {
  const fresh = nonce ?? (await freshNonce(url));
  const request = await signAssertion(
    {
      type: 'device-session-request',
      headers: {
        'brand-id': String(who.serial.headers['brand-id']),
        model: String(who.serial.headers['model']),
        serial: String(who.serial.headers['serial']),
        nonce: fresh,
        timestamp: formatTimestamp(new Date()),
      },
    },
    who.device,
    new Date(),
  );
  const utf8 = (assertion: Assertion) => Buffer.from(assertion.bytes).toString('utf8');
  return {
    'device-session-request': utf8(request),
    'serial-assertion': utf8(who.serial),
    'model-assertion': utf8(who.model),
  };
}

/** Opens a session as a real device does, and returns its token. */
export async function openSession(
  url: string,
  who: Pick<Brand, 'device' | 'serial' | 'model'>,
): Promise<string> {
  const reply = await fetch(`${url}/api/v1/snaps/auth/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(await sessionTexts(url, who)),
  });
  const body = await reply.text();
  if (reply.status !== 200) throw new Error(`no session: ${reply.status} ${body}`);
  return String(JSON.parse(body).macaroon);
}
