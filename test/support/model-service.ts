import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createSerialActivities } from '../../src/activities/serials.ts';
import {
  deriveModelServiceSecrets,
  type ModelServiceSecrets,
} from '../../src/api/device/model-service-secrets.ts';
import { Provisioner, type ProvisionerOptions } from '../../src/api/device/provisioning/provisioner.ts';
import { SerialService } from '../../src/api/device/serial-service.ts';
import { createSerialRoutes } from '../../src/api/device/serials.ts';
import { startServer, type RunningServer } from '../../src/api/server.ts';
import {
  publicKeyFromRsa,
  type Assertion,
  type HeaderValue,
  type PublicKey,
} from '../../src/assertions/index.ts';
import { apiKeyDigest } from '../../src/devices/index.ts';
import { openHsm, parseHsmKeyId, type Hsm, type HsmOptions, type TokenFinder } from '../../src/hsm/index.ts';
import {
  addAssertions,
  openDatabase,
  tracedDatabase,
  raiseGeneration,
  type Database,
  type DatabaseLocation,
} from '../../src/storage/index.ts';
import {
  addApiKey,
  addModel,
  addPolicy,
  completeSigningKey,
  reserveSigningKey,
  signedSerials,
} from '../../src/storage/model-service/index.ts';
import { traced } from '../../src/api/watch/traced.ts';
import { signingSpans } from '../../src/appliance/signing-spans.ts';
import { noTracing, silentLog, type Log, type Tracing } from '../../src/telemetry/index.ts';
import { makeBrandChain, type BrandChain } from './brand-chain.ts';
import { Device, type DeviceOptions } from './device.ts';
import { putSmallKeys } from './on-token.ts';
import { makeTestToken, type TestToken } from './softhsm-token.ts';

/** A Model Service on a real database file and a real SoftHSM token, with one brand. Close it after the tests. */
export interface TestModelService {
  readonly chain: BrandChain;
  readonly database: Database;
  readonly token: TestToken;
  readonly hsm: Hsm;
  /** Every token of the service by its name. */
  readonly tokens: TokenFinder;
  /** What the secrets are derived from. */
  readonly secretRoot: Uint8Array;
  readonly secrets: ModelServiceSecrets;
  readonly server: RunningServer;
  readonly provisioner: Provisioner;
  readonly service: SerialService;
  readonly activities: ReturnType<typeof createSerialActivities>;
  /** Errors that answers did not tell. */
  readonly reported: unknown[];
  /** What the clock says; null for the real time. */
  setClock(now: Date | null): void;
  /** Makes a key on a token, the rig's own unless told, and, unless told otherwise, its account-key. */
  addKey(
    name: string,
    extra?: Readonly<Record<string, HeaderValue>> | false,
    token?: string,
  ): Promise<PublicKey>;
  /** Adds a model with an API key named `first` and, where a key is given, a policy. */
  addModel(
    name: string,
    of: { apiKey: string; key?: PublicKey; enrolment?: Record<string, unknown> },
  ): Promise<void>;
  addPolicy(model: string, key: PublicKey): Promise<void>;
  addAssertions(assertions: readonly Assertion[]): Promise<void>;
  /** A device of a model with the API key `api-key-of-MODEL`. */
  device(model: Assertion, options?: Partial<DeviceOptions>): Promise<Device>;
  close(): Promise<void>;
}

/** How the rig differs from its defaults. */
export interface ModelServiceRig {
  readonly folder: string;
  readonly hsm?: Partial<HsmOptions>;
  readonly provisioner?: Partial<ProvisionerOptions>;
  readonly brandId?: string;
  readonly servicePrefixes?: readonly string[];
  /** Front servers that are believed. */
  readonly fronts?: () => Promise<readonly string[]>;
  /** Another database than a file in the folder. */
  readonly database?: DatabaseLocation;
  /** Stands before the token: what signs, as the service sees it. */
  readonly before?: (hsm: Hsm) => Pick<Hsm, 'findKey' | 'sign'>;
  /** A token that is there already, and how to reach it otherwise than by its module. */
  readonly token?: TestToken;
  /** So many of the keys that `addKey` gives first are small ones, which are quick to make: where their size does not matter. */
  readonly smallKeys?: number;
  /** Tokens besides the rig's own, which is called `default`; whoever made them closes them. */
  readonly otherTokens?: Readonly<Record<string, Hsm>>;
  /** Who takes the time; nobody unless told. */
  readonly tracing?: Tracing;
  /** What hears the warnings of the signing; nobody unless told. */
  readonly log?: Log;
}

/** Opens the rig in a folder that outlives it. Batches run at once in this process, without Temporal, unless told otherwise. */
export async function openModelService(rig: ModelServiceRig): Promise<TestModelService> {
  const chain = await makeBrandChain(rig.brandId);
  const { tracing = noTracing } = rig;
  const location = rig.database ?? { file: join(rig.folder, 'airlock.sqlite') };
  const database = tracedDatabase(await openDatabase(location), tracing);
  const token = rig.token ?? (await makeTestToken(rig.folder));
  const small = Array.from({ length: rig.smallKeys ?? 0 }, () => parseHsmKeyId(randomUUID()));
  putSmallKeys(token, small);
  const hsm = await openHsm({
    module: { path: token.modulePath, env: token.env },
    tokenLabel: token.label,
    pin: async () => token.pin,
    probeEvery: 0,
    onSigned: signingSpans(tracing),
    ...rig.hsm,
  });
  let fixed: Date | null = null;
  const clock = () => fixed ?? new Date();
  const reported: unknown[] = [];
  const secretRoot = randomBytes(32);
  const secrets = deriveModelServiceSecrets(secretRoot);
  const signing = rig.before?.(hsm) ?? hsm;
  const activities = createSerialActivities({
    database,
    tokens: { of: (name) => rig.otherTokens?.[name] ?? signing },
    clock,
    log: rig.log ?? silentLog(),
    tracing,
    announce: (serials) => provisioner.announce(serials),
  });
  const provisioner: Provisioner = new Provisioner({
    runBatch: async (intents) => void (await activities.signSerials({ batch: randomUUID(), intents })),
    lookUp: (intents) => signedSerials(database.queries, intents),
    report: (error) => reported.push(error),
    tracing,
    ...rig.provisioner,
  });
  const service = new SerialService({
    database,
    secrets,
    provisioner,
    clock,
    random: (bytes) => randomBytes(bytes),
    tracing,
  });
  const routes = createSerialRoutes({
    service,
    report: (error) => reported.push(error),
    ...(rig.servicePrefixes && { servicePrefixes: rig.servicePrefixes }),
    ...(rig.fronts && { fronts: rig.fronts }),
  });
  const server = await startServer({ fetch: traced(routes.fetch, tracing), host: '127.0.0.1', port: 0 });
  await addAssertions(database.queries, chain.roots, { at: clock(), trusted: true });
  await addAssertions(database.queries, chain.brand, { at: clock() });

  const changed = () => raiseGeneration(database.queries, 'settings');
  const at = () => ({ createdAt: clock().toISOString(), createdBy: 'admin' });
  const policyFor = async (model: string, key: PublicKey) => {
    await addPolicy(database.queries, {
      brandId: chain.brandId,
      modelName: model,
      keyId: key.keyId,
      ...at(),
    });
    await changed();
  };
  return {
    chain,
    database,
    token,
    hsm,
    tokens: { of: (name) => rig.otherTokens?.[name] ?? hsm },
    secretRoot,
    secrets,
    server,
    provisioner,
    service,
    activities,
    reported,
    setClock: (now) => void (fixed = now),
    async addKey(name, extra = {}, token = 'default') {
      const ready = token === 'default' ? small.pop() : undefined;
      const hsmKeyId = ready ?? parseHsmKeyId(randomUUID());
      await reserveSigningKey(database.queries, {
        hsmKeyId,
        token,
        brandId: chain.brandId,
        name,
        ...at(),
      });
      const holder = rig.otherTokens?.[token] ?? hsm;
      const pair = (ready && (await holder.findKey(ready))) ?? (await holder.generateKey(hsmKeyId, name));
      const key = publicKeyFromRsa(pair);
      const made = { keyId: key.keyId, publicKey: key.encoded, fingerprint: '0'.repeat(40) };
      await completeSigningKey(database.queries, hsmKeyId, made);
      if (extra !== false)
        await addAssertions(database.queries, [await chain.accountKey(key, name, extra)], { at: clock() });
      await changed();
      return key;
    },
    async addModel(name, { apiKey, key, enrolment = {} }) {
      const { brandId } = chain;
      const changes = { modifiedAt: null, modifiedBy: null };
      await addModel(database.queries, { brandId, name, series: '16', enrolment, ...at(), ...changes });
      await addApiKey(database.queries, {
        brandId,
        modelName: name,
        name: 'first',
        hash: apiKeyDigest(apiKey, secrets.apiKeyPepper),
        sealed: null,
        validUntil: null,
        lastUsedAt: null,
        ...at(),
      });
      if (key !== undefined) await policyFor(name, key);
      await changed();
    },
    addPolicy: policyFor,
    async addAssertions(assertions) {
      await addAssertions(database.queries, assertions, { at: clock() });
      await raiseGeneration(database.queries, 'catalog');
    },
    device: (model, options = {}) =>
      Device.make({
        store: server.url,
        headers: { 'api-key': `api-key-of-${String(model.headers.model)}` },
        model,
        roots: chain.roots,
        seed: chain.brand,
        keyBits: 2048,
        pollMs: 50,
        ...options,
      }),
    async close() {
      provisioner.close();
      await server.close(1000);
      await hsm.close();
      await database.close();
    },
  };
}
