import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateKeyPairSync } from 'node:crypto';
import type { Hono } from 'hono';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';

import {
  decodeAssertion,
  decodeStream,
  encodeStream,
  signAssertion,
  softwareSigner,
  sourceOf,
  text,
  verifyChain,
  type Assertion,
} from '../../../src/assertions/index.ts';
import { withFailures } from '../../../src/activities/errors.ts';
import { createAuthoritySigningActivities } from '../../../src/activities/authority-signing.ts';
import { assertionSource, findAssertion, trustedRoots, type Database } from '../../../src/storage/index.ts';
import { testAuthority } from '../../support/authority.ts';
import { oneToken } from '../../support/softhsm-token.ts';
import { packSnap } from '../../support/snap-files.ts';
import { openTestTemporal, withWorkers, type TestTemporal } from '../../support/temporal.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
}, 60_000);
afterAll(() => temporal.close());

const root = { accountId: 'root-of-test', username: 'root', displayName: 'Root', email: 'root@example.com' };
const brand = {
  id: 'acme',
  username: 'acme',
  displayName: 'Acme',
  email: 'ops@acme.example',
  validation: 'verified',
};

test(
  'an authority comes into being, registers, publishes, signs and revokes',
  { timeout: 120_000 },
  async () => {
    const authority = await testAuthority();
    const folder = await temporaryFolder();
    await withWorkers(temporal, authority.activities, async (client) => {
      const ops = authority.ops(client);
      const post = (path: string, body: unknown) => call(ops, 'POST', path, JSON.stringify(body));

      expect((await post('/init', { ...root, rootToken: 'safe' })).status).toBe(404);
      const init = await post('/init', root);
      expect(init.status).toBe(201);
      expect((await post('/init', root)).status).toBe(200);
      expect((await post('/init', { ...root, accountId: 'another-root' })).status).toBe(409);
      expect(await authority.hsm.listKeys()).toHaveLength(2);
      const roots = decodeStream(new Uint8Array(await (await call(ops, 'GET', '/root')).arrayBuffer()));
      expect(roots.map((each) => each.type)).toEqual(['account', 'account-key']);

      expect((await post('/accounts', brand)).status).toBe(201);
      expect((await post('/accounts', brand)).status).toBe(201);
      expect((await post('/accounts', { ...brand, id: 'other' })).status).toBe(409);
      expect((await post('/snaps', { name: 'robot', publisher: 'acme' })).status).toBe(201);
      expect(await (await post('/snaps', { name: 'robot', publisher: 'acme' })).json()).toMatchObject({
        code: 'already_owned',
      });
      const view = {
        id: 'acme-view',
        name: 'Acme',
        kind: 'device-view',
        brand: 'acme',
        includes: [{ store: 'ubuntu', snaps: ['robot'] }],
      };
      expect((await post('/stores', view)).status).toBe(201);

      const file = join(folder, 'robot.snap');
      await packSnap({ name: 'robot', version: '1', type: 'app', base: 'core24', payload: 2_000_000 }, file);
      const published = await publish(ops, file, 'robot', 'latest/stable,edge');
      expect(published).toMatchObject({ state: 'approved', revision: 1 });
      expect(await publish(ops, file, 'robot', 'beta')).toMatchObject({ state: 'approved', revision: 1 });
      const releases = await authority.database.queries.selectFrom('ChannelRelease').selectAll().execute();
      expect(
        releases.map((each) => `${each.track}/${each.risk} ${each.architecture} ${each.revision}`).toSorted(),
      ).toEqual(['latest/beta amd64 1', 'latest/edge amd64 1', 'latest/stable amd64 1']);
      const wrong = await publish(ops, file, (await named(post, 'arm')).name, 'edge');
      expect(wrong).toMatchObject({ state: 'rejected', errors: [{ code: 'upload-refused' }] });

      const rows = await authority.database.queries.selectFrom('StoredAssertion').select('bytes').execute();
      const trusted = sourceOf(await trustedRoots(authority.database.queries));
      for (const row of rows) {
        const assertion = decodeAssertion(row.bytes);
        await verifyChain(assertion, {
          source: assertionSource(authority.database.queries),
          trusted,
          now: new Date(),
        });
      }
      expect(rows.length).toBe(7);

      // Automatic grants are tied to a store, and untied again (seed 002).
      const grants = { 'snapd-control': { 'allow-auto-connection': 'true', 'allow-installation': 'true' } };
      const declare = () => post('/declarations', { snap: 'robot', plugs: grants });
      expect(await (await declare()).json()).toMatchObject({ revision: 1, changed: true });
      expect(await (await declare()).json()).toMatchObject({ revision: 1, changed: false });
      const audit = async () => (await call(ops, 'GET', '/scope/ubuntu')).json();
      expect(await audit()).toMatchObject({ snaps: [{ name: 'robot', unscoped: [{}, {}] }] });
      const scope = { store: 'ubuntu', snaps: ['robot'] };
      expect(await (await post('/scope', scope)).json()).toMatchObject({
        issued: [{ revision: 2, changed: true }],
      });
      expect(await (await post('/scope', scope)).json()).toMatchObject({
        issued: [{ revision: 2, changed: false }],
      });
      expect(await audit()).toEqual({ snaps: [], apart: ['acme-view'] });
      const scoped = decodeAssertion((await newestDeclaration(authority.database)).bytes);
      const tied = { 'on-store': ['ubuntu'] };
      expect(scoped.headers['plugs']).toEqual({
        'snapd-control': { 'allow-auto-connection': tied, 'allow-installation': tied },
      });
      expect(scoped.format).toBeGreaterThanOrEqual(3);
      const untied = await post('/scope', { ...scope, undo: true });
      expect(await untied.json()).toMatchObject({ issued: [{ revision: 3, changed: true }] });
      expect(decodeAssertion((await newestDeclaration(authority.database)).bytes).headers['plugs']).toEqual(
        grants,
      );

      const request = await keyRequest('acme', 'models');
      const registered = await call(ops, 'POST', '/account-keys', new TextDecoder().decode(request.bytes));
      expect(registered.status).toBe(201);
      const [key] = decodeStream(new Uint8Array(await registered.arrayBuffer()));
      expect(key?.type).toBe('account-key');
      const again = await call(ops, 'POST', '/account-keys', new TextDecoder().decode(request.bytes));
      expect(new Uint8Array(await again.arrayBuffer())).toEqual(encodeStream(key ? [key] : []));
      const revoked = await call(ops, 'POST', `/account-keys/${request.primaryKey[0]}/revoke`);
      const [dead] = decodeStream(new Uint8Array(await revoked.arrayBuffer()));
      expect(dead && text(dead, 'until')).toBe(dead && text(dead, 'since'));
      const refused = await call(ops, 'POST', '/account-keys', new TextDecoder().decode(request.bytes));
      expect(await refused.json()).toMatchObject({ code: 'key-conflict' });
    });
  },
);

test('a change that brings an earlier value back is signed, though the first one is still being answered', async () => {
  const authority = await testAuthority();
  const signing = createAuthoritySigningActivities({
    database: authority.database,
    tokens: oneToken(authority.hsm),
  });
  const { promise: signed, resolve: tellSigned } = Promise.withResolvers<void>();
  const { promise: answered, resolve: letAnswer } = Promise.withResolvers<void>();
  let held = false;
  const hsm = withFailures({
    ...signing,
    issueAssertion: async (input: Parameters<typeof signing.issueAssertion>[0]) => {
      const issued = await signing.issueAssertion(input);
      const { request } = input;
      if (held || request.kind !== 'account' || request.accountId !== 'acme') return issued;
      held = true;
      tellSigned();
      await answered;
      return issued;
    },
  });
  await withWorkers(temporal, { ...authority.activities, hsm }, async (client) => {
    const ops = authority.ops(client);
    const post = (path: string, body: unknown) => call(ops, 'POST', path, JSON.stringify(body));
    expect((await post('/init', root)).status).toBe(201);
    const first = post('/accounts', brand);
    await signed;
    expect((await post('/accounts', { ...brand, validation: 'unproven' })).status).toBe(201);
    const third = post('/accounts', brand);
    const newest = async () => {
      const found = await findAssertion(authority.database.queries, 'account', ['acme']);
      return found && decodeAssertion(found.bytes).headers['validation'];
    };
    await expect.poll(newest, { timeout: 60_000 }).toBe('verified');
    letAnswer();
    expect([(await first).status, (await third).status]).toEqual([201, 201]);
    expect(await newest()).toBe('verified');
  });
});

async function newestDeclaration(database: Database) {
  return database.queries
    .selectFrom('StoredAssertion')
    .select('bytes')
    .where('type', '=', 'snap-declaration')
    .orderBy('revision', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow();
}

async function named(post: (path: string, body: unknown) => Promise<Response>, name: string) {
  await post('/snaps', { name, publisher: 'acme' });
  return { name };
}

async function publish(ops: Hono, file: string, snap: string, channels: string): Promise<unknown> {
  const sent = await call(ops, 'POST', `/uploads?snap=${snap}&channels=${channels}`, await readFile(file));
  expect(sent.status).toBe(202);
  const { uploadId } = z.object({ uploadId: z.string() }).parse(await sent.json());
  return (await call(ops, 'GET', `/uploads/${uploadId}?wait=60`)).json();
}

async function keyRequest(accountId: string, name: string): Promise<Assertion> {
  const signer = softwareSigner(generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey);
  const { keyId, encoded } = signer.publicKey;
  const since = '2026-01-01T00:00:00Z';
  const headers = { 'public-key-sha3-384': keyId, 'account-id': accountId, name, since };
  return signAssertion({ type: 'account-key-request', headers, body: encoded }, signer, new Date());
}

async function call(
  ops: Hono,
  method: string,
  path: string,
  body?: string | Uint8Array<ArrayBuffer>,
): Promise<Response> {
  return ops.request(`/ops/v1/authority${path}`, { method, ...(body === undefined ? {} : { body }) });
}
