/** A host with a route to the outside store registers a brand's keys there by itself; the store is a real authority. */
import { expect, onTestFinished, test } from 'vitest';
import { submitAsConfigured } from '../../../src/activities/signing-keys/submit-request.ts';
import { createPublisherApi } from '../../../src/api/publisher/index.ts';
import type { PublisherApiDeps } from '../../../src/api/publisher/deps.ts';
import { startServer, type RunningServer } from '../../../src/api/server.ts';
import { publicKeyOf, text } from '../../../src/assertions/index.ts';
import { findAccountKey } from '../../../src/storage/authority/index.ts';
import { openGateway } from '../../support/admin-gateway.ts';
import { testAuthority } from '../../support/authority.ts';
import { openModelService } from '../../support/model-service.ts';
import { openTestTemporal, withWorkers } from '../../support/temporal.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const REGISTER = { deliver: 'upstream' };

/** A host with a key to be registered, and its settings as the operator leaves them. */
async function host() {
  const rig = await openModelService({ folder: await temporaryFolder(), brandId: 'acme' });
  onTestFinished(() => rig.close());
  const settings = new Map<string, string>();
  const patience = { seconds: 60 };
  const gateway = await openGateway(rig, {
    submit: submitAsConfigured({ get: async (key) => settings.get(key) }),
    hasAuthority: async () => settings.size > 0,
    readTimeout: () => patience.seconds,
  });
  onTestFinished(() => gateway.close());
  const key = await gateway.call('POST', gateway.brand('/signing_key'), { name: 'serials' });
  const keyId = String(key.json['sha3-384']);
  const register = () => gateway.call('POST', gateway.brand(`/signing_key/${keyId}/register`), REGISTER);
  return { rig, gateway, settings, patience, keyId, register };
}

/** The log-in of an account of the authority. */
async function loginOf({ tokens }: PublisherApiDeps, accountId: string): Promise<string> {
  const expires = new Date(Date.now() + 3600_000);
  const request = {
    accountId,
    kind: 'publisher',
    description: 'factory',
    expires,
    limits: [],
    actor: 'operator',
  } as const;
  return (await tokens.issue(request, 'authority.example', new Date())).macaroon;
}

test(
  'a key is registered from the host, however long the store is away, unless that refuses it',
  { timeout: 180_000 },
  async () => {
    const { rig, gateway, settings, patience, keyId, register } = await host();
    const offline = await register();
    expect([offline.status, offline.json['error-list'][0]]).toMatchObject([
      409,
      { code: 'registration-offline', message: expect.stringContaining('airlock.authority.url') },
    ]);

    const temporal = await openTestTemporal();
    onTestFinished(() => temporal.close());
    const authority = await testAuthority();
    await withWorkers(temporal, authority.activities, async (client) => {
      const ops = authority.ops(client);
      const post = (path: string, body: object) =>
        ops.request(`/ops/v1/authority${path}`, {
          method: 'POST',
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        });
      const root = {
        accountId: 'root-of-test',
        username: 'root',
        displayName: 'Root',
        email: 'r@example.com',
      };
      expect((await post('/init', root)).status).toBe(201);
      for (const id of ['acme', 'other-brand'])
        await post('/accounts', {
          id,
          username: id,
          displayName: id,
          email: `${id}@example.com`,
          validation: 'verified',
        });
      const deps = authority.deps(client);
      const app = createPublisherApi(deps);
      const serve = (port: number): Promise<RunningServer> =>
        startServer({ fetch: app.fetch, host: '127.0.0.1', port });

      const first = await serve(0);
      settings.set('airlock.authority.url', first.url);
      settings.set('airlock.authority.login', await loginOf(deps, 'other-brand'));
      const refused = await register();
      expect([refused.status, refused.json['error-list'][0].code]).toEqual([409, 'registration-refused']);
      expect(refused.json['error-list'][0].message).toMatch(
        /^cannot register the key: http:.* answered with status \d+: cannot /,
      );
      await first.close(0);

      settings.set('airlock.authority.login', await loginOf(deps, 'acme'));
      patience.seconds = 1;
      const away = await register();
      expect([away.status, away.json['error-list'][0]]).toMatchObject([
        503,
        { code: 'remote-service-unavailable', message: expect.stringContaining('it goes on, ask again') },
      ]);
      patience.seconds = 60;
      const again = await serve(Number(new URL(first.url).port));
      onTestFinished(() => again.close(0));
      await expect.poll(async () => (await register()).status, { timeout: 60_000, interval: 500 }).toBe(200);
      expect((await register()).json).toMatchObject({ state: 'awaiting-account-key', 'sha3-384': keyId });

      const registered = await findAccountKey(authority.database.queries, keyId);
      expect(
        registered && [text(registered.assertion, 'account-id'), publicKeyOf(registered.assertion).keyId],
      ).toEqual(['acme', keyId]);
      const registration = gateway.temporal.client.workflow.getHandle(`register-key/${keyId}`);
      await rig.addAssertions(registered ? [registered.assertion] : []);
      await registration.signal('accountKeyPushed');
      expect(await registration.result()).toBe('registered');
      expect((await register()).json).toMatchObject({ state: 'registered' });
    });
  },
);

test(
  'a registration that waits for a file to be carried is handed over once there is a route',
  { timeout: 120_000 },
  async () => {
    const { gateway, settings, keyId, register } = await host();
    const path = gateway.brand(`/signing_key/${keyId}/register`);
    expect((await gateway.call('POST', path, { deliver: 'file' })).json.state).toBe('awaiting-account-key');
    const asked: string[] = [];
    const store = await startServer({
      fetch: async (request) => {
        asked.push(await request.text());
        return new Response('{}', { status: 201 });
      },
      host: '127.0.0.1',
      port: 0,
    });
    onTestFinished(() => store.close(0));
    settings.set('airlock.authority.url', store.url);
    settings.set('airlock.authority.login', gateway.adminToken);
    expect((await register()).status).toBe(200);
    expect((await register()).status).toBe(200);
    expect(asked).toHaveLength(1);
    expect(JSON.parse(asked[0] ?? '')).toEqual({ account_key_request: expect.stringContaining(keyId) });
  },
);
