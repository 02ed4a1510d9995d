/** What the interface policy of snapd makes of a snap that is scoped to a brand's store, on devices of stores below it and beside it. */
import type { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeAssertion, encodeStream, type Assertion } from '../../../src/assertions/index.ts';
import { findAssertion, trustedRoots, type Queries } from '../../../src/storage/index.ts';
import { testAuthority } from '../../support/authority.ts';
import { makeBrandChain, type BrandChain } from '../../support/brand-chain.ts';
import { devicesim, reasonToSkip } from '../../support/devicesim.ts';
import { SnapdJudge } from '../../support/snapd-judge.ts';
import { openTestTemporal, withWorkers, type TestTemporal } from '../../support/temporal.ts';

const sim = await devicesim();
const ROBOT = 'name: robot\nversion: 1\nplugs:\n  snapd-control:\n';

describe.skipIf(sim.path === undefined)(
  `a rule on-store, on devices of sub-stores${reasonToSkip(sim)}`,
  () => {
    let temporal: TestTemporal;
    let snapd: SnapdJudge;
    let acme: BrandChain;

    beforeAll(async () => {
      temporal = await openTestTemporal();
      snapd = new SnapdJudge(sim.path ?? '');
      acme = await makeBrandChain('acme');
    }, 60_000);
    afterAll(async () => {
      await snapd.close();
      await temporal.close();
    });

    /** What snapd decides on a device whose model names a store, with the store assertion that the device got. */
    async function decides(declaration: Assertion, store: string, assertion: Assertion | undefined) {
      const model = await acme.model('box', { store });
      const stream = encodeStream([declaration, model, ...(assertion ? [assertion] : [])]);
      const { accepted, stage, error } = await snapd.permits(stream, ROBOT);
      return accepted ? 'connected' : `${stage}: ${error}`;
    }

    it('holds below the store that it names, and nowhere else', { timeout: 120_000 }, async () => {
      const authority = await testAuthority();
      const { queries } = authority.database;
      await withWorkers(temporal, authority.activities, async (client) => {
        const put = operator(authority.ops(client));
        const account = (id: string) => ({ id, username: id, displayName: id, email: `${id}@example.com` });
        await put('/init', { ...account('root'), accountId: 'example-root' });
        for (const id of ['acme', 'globex']) await put('/accounts', account(id));
        const store = (id: string, parent: string | null, brand = 'acme') =>
          put('/stores', { id, name: id, kind: 'device-view', brand, parent });
        await store('acme-store', null);
        await store('resellers', 'acme-store');
        await store('shop', 'resellers');
        await store('kiosks', null);
        await store('globex-store', null, 'globex');
        await put('/snaps', { name: 'robot', publisher: 'acme', store: 'acme-store' });
        const grants = { 'allow-auto-connection': 'true', 'allow-installation': 'true' };
        await put('/declarations', { snap: 'robot', plugs: { 'snapd-control': grants } });
        await put('/scope', { store: 'acme-store', snaps: ['robot'] });

        const { snapId } = await queries.selectFrom('Snap').select('snapId').executeTakeFirstOrThrow();
        const declared = () => required(queries, 'snap-declaration', ['16', snapId]);
        const assertionOf = (id: string) => required(queries, 'store', [id]);
        const on = async (id: string) => decides(await declared(), id, await assertionOf(id));

        // snapd takes each of them down from the root.
        const roots = await trustedRoots(queries);
        const known = await allOf(queries, ['account', 'account-key']);
        for (const id of ['acme-store', 'resellers', 'shop'])
          expect(
            await snapd.trust((await assertionOf(id)).bytes, encodeStream(roots), encodeStream(known)),
          ).toMatchObject({ accepted: true });

        const refused = expect.stringMatching(
          /^installation: installation not allowed by "snapd-control" plug/,
        );
        for (const id of ['acme-store', 'resellers', 'shop']) expect(await on(id)).toBe('connected');
        for (const id of ['kiosks', 'globex-store']) expect(await on(id)).toEqual(refused);
        // Only by the assertion of the device's own store.
        expect(await decides(await declared(), 'resellers', undefined)).toEqual(refused);
        expect(await decides(await declared(), 'kiosks', await assertionOf('resellers'))).toEqual(refused);

        // A snap that everybody may install connects by itself there alone.
        const tied = {
          'allow-installation': 'true',
          'allow-auto-connection': { 'on-store': ['acme-store'] },
        };
        await put('/declarations', { snap: 'robot', plugs: { 'snapd-control': tied } });
        expect(await on('shop')).toBe('connected');
        expect(await on('kiosks')).toMatch(/^auto-connection: auto-connection not allowed by plug rule/);

        // Not the other way round.
        await put('/scope', { store: 'acme-store', snaps: ['robot'], undo: true });
        await put('/scope', { store: 'resellers', snaps: ['robot'] });
        for (const id of ['resellers', 'shop']) expect(await on(id)).toBe('connected');
        expect(await on('acme-store')).toEqual(refused);

        // Nor any longer once the store has left its parent.
        await store('shop', null);
        expect(await on('shop')).toEqual(refused);
      });
    });
  },
);

/** Asks for what the operator of the authority asks for; it must succeed. */
function operator(app: Hono) {
  return async (path: string, body: unknown): Promise<void> => {
    const reply = await app.request(`/ops/v1/authority${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    if (!reply.ok) throw new Error(`${path} ended with ${reply.status}: ${await reply.text()}`);
  };
}

async function required(
  queries: Queries,
  type: 'store' | 'snap-declaration',
  primaryKey: readonly string[],
): Promise<Assertion> {
  const found = await findAssertion(queries, type, primaryKey);
  if (found === undefined) throw new Error(`the authority signed no ${type} ${primaryKey.join('/')}`);
  return decodeAssertion(found.bytes);
}

async function allOf(queries: Queries, types: readonly string[]): Promise<readonly Assertion[]> {
  const rows = await queries
    .selectFrom('StoredAssertion')
    .select('bytes')
    .where('type', 'in', types)
    .execute();
  return rows.map(({ bytes }) => decodeAssertion(bytes));
}
