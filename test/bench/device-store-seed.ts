import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Assertion, formatTimestamp, signAssertion, type Signer } from '../../src/assertions/index.ts';
import { purposeKey, SessionTokens } from '../../src/api/device/session-tokens.ts';
import { mintNonce, NONCE_RANDOM_BYTES } from '../../src/devices/session-nonces.ts';
import { addAssertions, digestOfFile, raiseGeneration } from '../../src/storage/index.ts';
import { type RunningStore, runStore } from '../api/device/running-store.ts';
import { addSnap } from '../api/device/snap-rows.ts';
import { makeBrandChain, newSigner } from '../support/brand-chain.ts';

const STORE = 'bench-store';
const BRAND = 'bench';
const MODEL = 'bench-model';
const SINCE = new Date('2025-01-01T00:00:00Z');
/** What snapd asks for, each time. */
const FIELDS =
  'architectures,base,confinement,links,contact,created-at,description,download,epoch,license,name,prices,private,publisher,revision,snap-id,snap-yaml,summary,title,type,version,website,store-url,integrity,media,common-ids,categories'.split(
    ',',
  );

/** A store with a fleet's worth of rows. */
export interface SeededStore extends RunningStore {
  /** Headers of a device with a session. */
  readonly headers: Record<string, string>;
  /** Bodies of refreshes of ten snaps each, drawn from the whole catalog. */
  readonly refreshes: readonly string[];
  /** Bodies of session requests with fresh nonces; each serves once. */
  sessionBodies(count: number): Promise<string[]>;
  /** Adds a snap with a file of this size and returns the address of its file. */
  addFile(bytes: number): Promise<string>;
}

const snapIdOf = (n: number): string => createHash('sha256').update(`bench ${n}`).digest('hex').slice(0, 32);

/** Fills a store with `snaps` snaps of three revisions and `devices` devices. The caller closes it. */
export async function seedStore(snaps: number, devices: number): Promise<SeededStore> {
  const folder = await mkdtemp(join(tmpdir(), 'airlock-bench-'));
  const secret = randomBytes(32);
  const store = await runStore(folder, { deviceSecrets: async () => [{ secret, until: undefined }] });
  const chain = await makeBrandChain(BRAND);
  const serialKey = newSigner(4096);
  const device = newSigner(4096);
  const model = await chain.model(MODEL, { store: STORE });
  const keys = [await chain.accountKey(serialKey.publicKey, 'serials')];
  await store.database.transaction(async (queries) => {
    await addAssertions(queries, chain.roots, { at: SINCE, trusted: true });
    await addAssertions(queries, [...chain.brand, ...keys, model], { at: SINCE });
    const at = SINCE.toISOString();
    await queries
      .insertInto('Store')
      .values({ id: STORE, name: STORE, kind: 'brand', brandId: BRAND, createdAt: at, changedAt: at })
      .execute();
    for (let n = 0; n < snaps; n++) await addSnap(queries, snapRows(n));
    for (let n = 0; n < devices; n += 500) {
      const rows = Array.from({ length: Math.min(500, devices - n) }, (_, i) => deviceRow(n + i, at));
      await queries.insertInto('Device').values(rows).execute();
    }
    await raiseGeneration(queries, 'catalog');
  });
  const now = new Date();
  const end = new Date(now.getTime() + 60 * 60 * 1000);
  const token = await new SessionTokens([{ secret, until: undefined }]).issue(
    {
      id: 'bench',
      brandId: BRAND,
      model: MODEL,
      serial: 'device-0',
      deviceKeyId: 'x',
      storeId: STORE,
      softEnd: end,
      end,
    },
    now,
  );
  const serials = await Promise.all(Array.from({ length: 20 }, (_, n) => serialOf(n, device, serialKey)));
  return {
    ...store,
    headers: {
      'content-type': 'application/json',
      'snap-device-authorization': `Macaroon root="${token}"`,
      'snap-device-architecture': 'amd64',
      'snap-device-capabilities': 'default-tracks',
      'snap-accept-delta-format': 'xdelta3',
    },
    refreshes: Array.from({ length: 40 }, (_, n) => refreshBody(n, snaps)),
    async sessionBodies(count) {
      const bodies: string[] = [];
      for (let n = 0; n < count; n++) {
        const serial = serials[n % serials.length];
        if (serial !== undefined) bodies.push(await sessionBody(secret, device, serial, model));
      }
      return bodies;
    },
    async addFile(bytes) {
      const path = join(store.blobs.stagingFolder, 'large');
      await writeFile(path, createHash('shake256', { outputLength: bytes }).update('large').digest());
      const { digest } = await digestOfFile(path);
      await store.blobs.adopt(path, digest);
      const snapId = snapIdOf(-1);
      await store.database.transaction(async (queries) => {
        await addSnap(queries, {
          ...snapRows(-1),
          name: 'large',
          revisions: [{ revision: 1, sha3_384: digest, size: bytes, snapYaml: 'name: large\nversion: 1' }],
        });
        await raiseGeneration(queries, 'catalog');
      });
      return `${store.url}/api/v1/snaps/download/${snapId}_1.snap`;
    },
    async close() {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function snapRows(n: number) {
  const name = `bench-snap-${n}`;
  const yaml = (revision: number): string =>
    `name: ${name}\nversion: '1.${revision}'\nsummary: A snap\ndescription: |\n  ${'Words that tell. '.repeat(30)}\napps:\n  app: {command: bin/app}\nplugs:\n  network:\n`;
  return {
    snapId: snapIdOf(n),
    name,
    storeId: STORE,
    private: true,
    publisherId: BRAND,
    description: 'Words that tell. '.repeat(30),
    revisions: [1, 2, 3].map((revision) => ({
      revision,
      sha3_384: createHash('sha3-384').update(`${n} ${revision}`).digest('hex'),
      size: 1_000_000,
      snapYaml: yaml(revision),
    })),
    releases: [
      { channel: 'latest/stable', revision: 2 },
      { channel: 'latest/edge', revision: 3 },
    ],
  };
}

function deviceRow(n: number, at: string) {
  const row = {
    brandId: BRAND,
    modelName: MODEL,
    serial: `device-${n}`,
    deviceKeyId: `key-${n}`,
    storeId: STORE,
  };
  return { ...row, userAgent: 'snapd/2.77', firstSeenAt: at, lastSeenAt: at };
}

function refreshBody(seed: number, snaps: number): string {
  const ids = Array.from({ length: 10 }, (_, i) => snapIdOf((seed * 7919 + i * 104_729) % snaps));
  const epoch = { read: [0], write: [0] };
  return JSON.stringify({
    context: ids.map((id) => ({
      'snap-id': id,
      'instance-key': id,
      revision: 1,
      'tracking-channel': 'latest/stable',
      epoch,
      'refreshed-date': SINCE.toISOString(),
    })),
    actions: ids.map((id) => ({ action: 'refresh', 'instance-key': id, 'snap-id': id })),
    fields: FIELDS,
  });
}

function serialOf(n: number, device: Signer, key: Signer): Promise<Assertion> {
  const headers = {
    'authority-id': BRAND,
    'brand-id': BRAND,
    model: MODEL,
    serial: `device-${n}`,
    'device-key': device.publicKey.encoded,
    'device-key-sha3-384': device.publicKey.keyId,
    timestamp: formatTimestamp(SINCE),
  };
  return signAssertion({ type: 'serial', headers }, key, SINCE);
}

async function sessionBody(
  secret: Uint8Array,
  device: Signer,
  serial: Assertion,
  model: Assertion,
): Promise<string> {
  const nonce = mintNonce({
    secret: purposeKey(secret, 'nonce'),
    random: randomBytes(NONCE_RANDOM_BYTES),
    expiresAt: new Date(Date.now() + 300_000),
  });
  const headers = {
    'brand-id': BRAND,
    model: MODEL,
    serial: String(serial.headers['serial']),
    nonce,
    timestamp: formatTimestamp(new Date()),
  };
  const request = await signAssertion({ type: 'device-session-request', headers }, device, new Date());
  const utf8 = (assertion: Assertion): string => Buffer.from(assertion.bytes).toString('utf8');
  return JSON.stringify({
    'device-session-request': utf8(request),
    'serial-assertion': utf8(serial),
    'model-assertion': utf8(model),
  });
}
