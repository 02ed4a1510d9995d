import { randomBytes } from 'node:crypto';
import { createAdminApi, modelServiceProcesses, type TokenStanding } from '../../src/api/admin/index.ts';
import { createSigningKeyActivities } from '../../src/activities/signing-keys.ts';
import type { SubmitKeyRequest } from '../../src/activities/signing-keys/submit-request.ts';
import { withFailures } from '../../src/activities/errors.ts';
import { SettingStore, type Database, type Sealer } from '../../src/storage/index.ts';
import { TokenOffice } from '../../src/storage/authority/index.ts';
import { silentLog } from '../../src/telemetry/index.ts';
import { startWorkers } from '../../src/worker/worker.ts';
import type { TestModelService } from './model-service.ts';
import { openTestTemporal, type TestTemporal } from './temporal.ts';

/** Marks what it seals, so that a test sees whether something was. */
const testSealer: Sealer = {
  seal: (name, secret) => `sealed:${name}:${Buffer.from(secret).toString('base64')}`,
  open: (name, sealed) => Buffer.from(sealed.slice(`sealed:${name}:`.length), 'base64').toString(),
};

/** The gateway of a test service, on a real Temporal namespace with a worker. Close it before the service. */
export interface TestGateway {
  readonly temporal: TestTemporal;
  readonly adminToken: string;
  /** Calls a path with the session of the admin, or with another Authorization header. */
  call(
    method: string,
    path: string,
    body?: unknown,
    authorization?: string | null,
  ): Promise<{ status: number; headers: Headers; text: string; json: ReturnType<typeof JSON.parse> }>;
  /** The path of something of the brand. */
  brand(path: string): string;
  close(): Promise<void>;
}

/** Opens the gateway: an admin as an import leaves them, with the exported token. */
export async function openGateway(
  rig: TestModelService,
  of: {
    readonly submit?: SubmitKeyRequest;
    readonly hasAuthority?: () => Promise<boolean>;
    readonly workers?: boolean;
    /** In seconds. */
    readonly readTimeout?: () => number;
    readonly hsm?: () => TokenStanding;
    /** The gateway is one more host of a service that has one: its own way to the database, and the Temporal that both use. */
    readonly beside?: { readonly database: Database; readonly temporal: TestTemporal };
  } = {},
): Promise<TestGateway> {
  const { chain } = rig;
  const database = of.beside?.database ?? rig.database;
  const temporal = of.beside?.temporal ?? (await openTestTemporal());
  const clock = () => new Date();
  const workers =
    of.workers === false || of.beside !== undefined
      ? undefined
      : await startWorkers({
          config: temporal.config,
          connection: temporal.temporal.connection,
          dataConverter: temporal.dataConverter,
          log: silentLog(),
          activities: {
            hsm: withFailures({
              ...rig.activities,
              ...createSigningKeyActivities({
                database,
                tokens: rig.tokens,
                clock,
                ...(of.submit && { submit: of.submit }),
              }),
            }),
          },
        });
  const random = (bytes: number) => new Uint8Array(randomBytes(bytes));
  const tokens = new TokenOffice({ database, settings: new SettingStore(database, testSealer), random });
  const app = createAdminApi({
    database,
    sealer: testSealer,
    secrets: rig.secrets,
    tokens,
    processes: modelServiceProcesses(temporal.client),
    hasAuthority: of.hasAuthority ?? (async () => of.submit !== undefined),
    hsm: () => of.hsm?.(),
    hsmTokens: async () => ['default', 'card'],
    clock,
    random,
    readTimeout: async () => of.readTimeout?.() ?? 15,
    report: (error) => rig.reported.push(error),
  });
  const at = clock().toISOString();
  await database.queries
    .insertInto('Account')
    .values([
      {
        id: 'admin-account',
        username: 'ada',
        displayName: 'Ada Admin',
        validation: 'unproven',
        email: 'ada@example.com',
        createdAt: at,
      },
      {
        id: chain.brandId,
        username: chain.brandId,
        displayName: 'My Brand',
        validation: 'verified',
        email: null,
        createdAt: at,
      },
    ])
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const { macaroon: adminToken } = await tokens.issue(
    {
      accountId: 'admin-account',
      kind: 'admin',
      description: 'exported',
      expires: new Date(Date.now() + 3600_000),
      limits: [],
      brandId: chain.brandId,
      storeId: 'my-brand-store',
      actor: 'test',
    },
    'test',
    clock(),
  );
  const call = async (method: string, path: string, body?: unknown, authorization?: string | null) => {
    const reply = await app.request(`http://gateway.example${path}`, {
      method,
      headers: {
        ...(authorization === null ? {} : { authorization: authorization ?? `Macaroon ${session}` }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await reply.text();
    const isJson = (reply.headers.get('content-type') ?? '').startsWith('application/json');
    return {
      status: reply.status,
      headers: reply.headers,
      text,
      json: isJson ? JSON.parse(text) : undefined,
    };
  };
  let session = '';
  session = (await call('POST', '/v1/tokens/offline/exchange', { macaroon: adminToken }, null)).json.macaroon;
  return {
    temporal,
    adminToken,
    call,
    brand: (path) => `/v1/brand/${chain.brandId}${path}`,
    async close() {
      await workers?.stop();
      if (of.beside === undefined) await temporal.close();
    },
  };
}
