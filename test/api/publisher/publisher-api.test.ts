import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';

import { createPublisherApi } from '../../../src/api/publisher/index.ts';
import { hexToSnapSha3, signAssertion, softwareSigner, type Signer } from '../../../src/assertions/index.ts';
import { addCaveat, formatCaveat, type Caveat } from '../../../src/publishers/index.ts';
import { addAccount, registerName } from '../../../src/storage/authority/index.ts';
import { digestOfFile } from '../../../src/storage/index.ts';
import { checkAccount } from '../../../src/publishers/index.ts';
import { testAuthority } from '../../support/authority.ts';
import { packSnap } from '../../support/snap-files.ts';
import { openTestTemporal, withWorkers, type TestTemporal } from '../../support/temporal.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const DAY_MS = 24 * 3600_000;
const isv = checkAccount({
  id: 'isv',
  username: 'isv',
  displayName: 'ISV',
  email: 'isv@example.com',
  validation: 'unproven',
});
const other = checkAccount({ ...isv, id: 'other', username: 'other', email: 'other@example.com' });
const errorSchema = z.object({
  error_list: z.array(z.object({ code: z.string(), message: z.string() })).min(1),
});

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
}, 60_000);
afterAll(() => temporal.close());

/** A publisher at the API: the base address, and requests with a credential. */
class Publisher {
  readonly #app: Hono;
  readonly #token: string | undefined;

  constructor(app: Hono, token?: string) {
    this.#app = app;
    this.#token = token;
  }

  async call(method: string, path: string, body?: unknown): Promise<Response> {
    return this.#app.request(`http://authority.test${path}`, {
      method,
      headers: {
        ...(this.#token === undefined ? {} : { authorization: `Macaroon root=${this.#token}` }),
        ...(body === undefined || body instanceof FormData ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: body instanceof FormData ? body : JSON.stringify(body) }),
    });
  }

  async refusal(method: string, path: string, body?: unknown): Promise<{ status: number; code: string }> {
    const response = await this.call(method, path, body);
    const [first] = errorSchema.parse(await response.json()).error_list;
    return { status: response.status, code: first?.code ?? '' };
  }

  async upload(file: string): Promise<string> {
    const form = new FormData();
    form.set('binary', new Blob([new Uint8Array(await readFile(file))]), 'x.snap');
    const answer = await this.call('POST', '/unscanned-upload/', form);
    return z.object({ successful: z.literal(true), upload_id: z.uuid() }).parse(await answer.json())
      .upload_id;
  }

  async push(name: string, id: string, channels: string[] = []): Promise<unknown> {
    const json = { name, series: '16', updown_id: id, binary_filesize: 1, source_uploaded: false, channels };
    const pushed = await this.call('POST', '/dev/api/snap-push/', json);
    if (pushed.status !== 202) throw new Error(`the push was answered with ${pushed.status}`);
    const { status_details_url: url } = z.object({ status_details_url: z.url() }).parse(await pushed.json());
    for (;;) {
      const status = z.looseObject({ code: z.string(), processed: z.boolean() });
      const now = status.parse(await (await this.call('GET', new URL(url).pathname)).json());
      if (now.processed) return now;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

describe('a publisher', () => {
  test('goes from a credential to a released, signed revision', { timeout: 120_000 }, async () => {
    const authority = await testAuthority();
    const folder = await temporaryFolder();
    const now = new Date();
    const deps = authority.deps;
    await withWorkers(temporal, authority.activities, async (client) => {
      const parts = deps(client);
      const app = createPublisherApi(parts);
      await parts.processes.init({
        accountId: 'root-of-test',
        username: 'root',
        displayName: 'R',
        email: 'r@example.com',
      });
      await authority.database.transaction(async (queries) => {
        await addAccount(queries, isv, now);
        await addAccount(queries, other, now);
      });
      const requests = [isv, other].map(({ id }) => ({ kind: 'account', accountId: id }) as const);
      await parts.processes.issue({ actor: 'test', requests });
      const mint = async (limits: readonly Caveat[] = [], accountId = 'isv') => {
        const expires = new Date(now.getTime() + DAY_MS);
        const request = {
          accountId,
          kind: 'publisher',
          description: 't',
          expires,
          limits,
          actor: 'test',
        } as const;
        return parts.tokens.issue(request, 'authority.test', new Date());
      };
      const full = await mint();
      const me = new Publisher(app, full.macaroon);

      // Who asks.
      expect(await new Publisher(app).refusal('GET', '/dev/api/account')).toMatchObject({ status: 401 });
      expect(await new Publisher(app, 'AAAA').refusal('GET', '/dev/api/account')).toMatchObject({
        status: 400,
      });
      const whoami = await (await me.call('GET', '/api/v2/tokens/whoami')).json();
      expect(whoami).toMatchObject({
        account: { id: 'isv', username: 'isv' },
        permissions: null,
        channels: null,
      });
      expect(z.looseObject({ expires: z.string() }).parse(whoami).expires).not.toMatch(/Z$/);

      // A name.
      const registered = await me.call('POST', '/dev/api/register-name/', {
        snap_name: 'robot',
        series: '16',
      });
      expect(registered.status).toBe(201);
      const { snap_id: snapId } = z.object({ snap_id: z.string() }).parse(await registered.json());
      expect(await me.refusal('POST', '/dev/api/register-name/', { snap_name: 'robot' })).toEqual({
        status: 409,
        code: 'already_owned',
      });
      await authority.database.transaction((queries) =>
        registerName(
          queries,
          { snapId: 'a'.repeat(32), name: 'theirs', storeId: 'ubuntu', publisherId: 'other', private: false },
          'test',
          now,
        ),
      );
      expect(await me.refusal('POST', '/dev/api/register-name/', { snap_name: 'theirs' })).toEqual({
        status: 409,
        code: 'already_registered',
      });

      // A key, with a credential that is good for nothing else.
      const keyToken = await mint([{ condition: 'acl', permissions: ['modify_account_key'] }]);
      const keyHolder = new Publisher(app, keyToken.macaroon);
      const signer = softwareSigner(generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey);
      const request = await keyRequest(signer, 'isv');
      expect(
        await me.refusal('POST', '/dev/api/account/account-key', {
          account_key_request: await keyRequest(signer, 'other'),
        }),
      ).toEqual({ status: 403, code: 'resource-forbidden' });
      expect(
        (await keyHolder.call('POST', '/dev/api/account/account-key', { account_key_request: request }))
          .status,
      ).toBe(201);
      expect(
        await keyHolder.refusal('POST', '/dev/api/snap-push/', { name: 'robot', dry_run: true }),
      ).toEqual({ status: 403, code: 'macaroon-permission-required' });
      const account = await (await keyHolder.call('GET', '/dev/api/account')).json();
      const key = {
        name: 'build',
        'public-key-sha3-384': signer.publicKey.keyId,
        since: '2026-01-01T00:00:00Z',
        until: null,
      };
      expect(account).toMatchObject({ 'account-keys': [key], account_keys: [key] });
      expect(account).toMatchObject({
        snaps: { '16': { robot: { 'snap-id': snapId, status: 'Approved', private: false } } },
      });

      // An upload.
      const file = join(folder, 'robot.snap');
      await packSnap({ name: 'robot', version: '1.0', type: 'app', payload: 300_000 }, file);
      expect((await me.call('POST', '/dev/api/snap-push/', { name: 'robot', dry_run: true })).status).toBe(
        202,
      );
      expect(await me.refusal('POST', '/dev/api/snap-push/', { name: 'theirs', dry_run: true })).toEqual({
        status: 404,
        code: 'resource-not-found',
      });
      expect(await me.push('robot', await me.upload(file), ['edge'])).toMatchObject({
        code: 'ready_to_release',
        revision: 1,
        errors: [],
      });
      const stranger = new Publisher(app, (await mint([], 'other')).macaroon);
      const taken = await me.upload(file);
      await me.push('robot', taken);
      expect(
        await stranger.refusal('POST', '/dev/api/snap-push/', { name: 'theirs', updown_id: taken }),
      ).toMatchObject({ status: 404 });
      const junk = join(folder, 'junk.snap');
      await packSnap({ name: 'arm', version: '1', type: 'app' }, junk);
      expect(await me.push('robot', await me.upload(junk))).toMatchObject({
        code: 'processing_error',
        errors: [{ code: 'upload-refused' }],
      });

      // Releases, as far as the credential's channels reach.
      const narrow = addCaveat(
        full.macaroon,
        formatCaveat({ condition: 'channel', patterns: ['edge', 'beta'] }),
      );
      const ci = new Publisher(app, narrow);
      expect(
        (
          await ci.call('POST', '/dev/api/snap-release/', {
            name: 'robot',
            revision: '1',
            channels: ['beta'],
          })
        ).status,
      ).toBe(200);
      expect(
        await ci.refusal('POST', '/dev/api/snap-release/', {
          name: 'robot',
          revision: '1',
          channels: ['stable'],
        }),
      ).toEqual({ status: 403, code: 'macaroon-permission-required' });
      expect(
        await me.refusal('POST', '/dev/api/snap-release/', {
          name: 'robot',
          revision: '7',
          channels: ['edge'],
        }),
      ).toMatchObject({ status: 404 });
      const closed = await me.call('POST', `/dev/api/snaps/${snapId}/close`, { channels: ['beta'] });
      expect(await closed.json()).toMatchObject({ closed_channels: ['beta'] });
      const map = await (await me.call('GET', '/api/v2/snaps/robot/channel-map')).json();
      expect(map).toMatchObject({
        'channel-map': [{ channel: 'latest/edge', architecture: 'amd64', revision: 1 }],
      });
      const state = await (await me.call('GET', `/dev/api/snaps/${snapId}/state`)).json();
      expect(state).toEqual({
        channel_map_tree: {
          latest: {
            '16': {
              amd64: [
                { channel: 'stable', info: 'none' },
                { channel: 'candidate', info: 'none' },
                { channel: 'beta', info: 'none' },
                { channel: 'edge', info: 'specific', revision: 1, version: '1.0' },
              ],
            },
          },
        },
      });

      // Two factors: an upload waits for the publisher's signature.
      const policy = { value: JSON.stringify({ requirement: 'hold' }), secret: false };
      await parts.settings.change(new Map([[`authority.build-policy.${snapId}`, policy]]), now);
      const second = join(folder, 'robot-2.snap');
      await packSnap({ name: 'robot', version: '2.0', type: 'app', payload: 200_000 }, second);
      const heldId = await me.upload(second);
      expect(await me.push('robot', heldId, ['edge'])).toMatchObject({
        code: 'need_manual_review',
        errors: [{ code: 'snap-build-required' }],
      });
      expect(
        await me.refusal('POST', `/dev/api/snaps/${snapId}/builds`, {
          assertion: await build(signer, snapId, file, 'other'),
        }),
      ).toMatchObject({ status: 400 });
      const foreign = softwareSigner(generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey);
      expect(
        (
          await me.call('POST', `/dev/api/snaps/${snapId}/builds`, {
            assertion: await build(foreign, snapId, second, 'isv'),
          })
        ).ok,
      ).toBe(false);
      expect(
        (
          await me.call('POST', `/dev/api/snaps/${snapId}/builds`, {
            assertion: await build(signer, snapId, second, 'isv'),
          })
        ).status,
      ).toBe(201);
      expect(await parts.processes.publication(heldId, 30_000)).toMatchObject({
        state: 'approved',
        revision: 2,
      });

      // The on-prem routes of the same.
      const exchanged = await me.call('POST', '/publishergw/v1/tokens/offline/exchange', {
        macaroon: narrow,
      });
      const { macaroon } = z.object({ macaroon: z.string() }).parse(await exchanged.json());
      const onPrem = new Publisher(app, macaroon);
      const gateway = await (await onPrem.call('GET', '/publishergw/v1/tokens/whoami')).json();
      expect(gateway).toMatchObject({ account: { id: 'isv' }, channels: ['edge', 'beta'] });
      expect(
        (await onPrem.call('POST', '/publishergw/v1/snap/robot/releases', [{ revision: 2, channel: 'beta' }]))
          .status,
      ).toBe(200);
      expect(
        await onPrem.refusal('POST', '/publishergw/v1/snap/robot/releases', [
          { revision: 2, channel: 'stable' },
        ]),
      ).toMatchObject({ status: 403 });
      const revisions = await (await onPrem.call('GET', '/publishergw/v1/snap/robot/revisions')).json();
      expect(revisions).toMatchObject({ revisions: [{ revision: 2 }, { revision: 1 }] });

      // A leaked credential ends at once, for itself and for no other.
      expect((await me.call('POST', '/v1/tokens/revoke', { 'session-id': full.sessionId })).status).toBe(200);
      expect(await me.refusal('GET', '/dev/api/account')).toEqual({ status: 401, code: 'token-revoked' });
      expect(await ci.refusal('GET', '/dev/api/account')).toEqual({ status: 401, code: 'token-revoked' });
      expect((await keyHolder.call('GET', '/dev/api/account')).status).toBe(200);
    });
  });
});

async function keyRequest(signer: Signer, accountId: string): Promise<string> {
  const { keyId, encoded } = signer.publicKey;
  const headers = {
    'public-key-sha3-384': keyId,
    'account-id': accountId,
    name: 'build',
    since: '2026-01-01T00:00:00Z',
  };
  const request = await signAssertion(
    { type: 'account-key-request', headers, body: encoded },
    signer,
    new Date(),
  );
  return new TextDecoder().decode(request.bytes);
}

async function build(signer: Signer, snapId: string, file: string, authorityId: string): Promise<string> {
  const { digest, size } = await digestOfFile(file);
  const headers = {
    'authority-id': authorityId,
    'snap-sha3-384': hexToSnapSha3(digest),
    'snap-id': snapId,
    'snap-size': String(size),
    grade: 'stable',
    timestamp: new Date().toISOString(),
  };
  const assertion = await signAssertion({ type: 'snap-build', headers }, signer, new Date());
  return new TextDecoder().decode(assertion.bytes);
}
