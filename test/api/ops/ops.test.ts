import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { actList, deviceList, status, trustRoots } from '../../../src/api/ops/host-contract.ts';
import { importList, importPlan, importResult, rollBack } from '../../../src/api/ops/import-contract.ts';
import { overrideAnswer, overrideList } from '../../../src/api/ops/override-contract.ts';
import { pushedSnaps, removalPlan } from '../../../src/api/ops/pushed-snaps-contract.ts';
import { exportResult } from '../../../src/api/ops/transfer-contract.ts';
import { selfSigned } from '../../../src/api/tls/self-signed.ts';
import { statusLines } from '../../../src/cli/snap-store-proxy/status.ts';
import { encodeStream } from '../../../src/assertions/index.ts';
import { appendAct } from '../../../src/storage/index.ts';
import { openTestTemporal, type TestTemporal } from '../../support/temporal.ts';
import {
  newOutside,
  newHost,
  pairOf,
  snapIdOf,
  trustingHost,
  type Host,
} from '../../workflows/carried-store.ts';
import { operatorAt, operatorWithoutWorkers, type Operator } from './operator.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

const at = <Answer>(host: Host, work: (operator: Operator) => Promise<Answer>): Promise<Answer> =>
  operatorAt(temporal, host, work);

const refused = z.object({ 'error-list': z.tuple([z.object({ code: z.string(), message: z.string() })]) });

describe("the operator's interface", () => {
  test('carries a store from an authority to an isolated host', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const made = await at(outside.host, async (operator) =>
      exportResult.parse(
        (await operator.finish('/exports', { kind: 'store', store: 'brand-devices' })).result,
      ),
    );
    const path = made.files[0]?.path ?? '';
    const inside = await newHost();
    await at(inside, async (operator) => {
      const push = { kind: 'store', path };
      const early = await operator.finish('/imports', push);
      expect(early).toMatchObject({
        status: 'failed',
        error: { kind: 'forbidden', message: expect.stringMatching(/^cannot accept/) },
      });
      const roots = encodeStream(outside.chain.roots);
      const trusted = await operator.answer(
        'POST',
        '/trust/roots',
        trustRoots,
        Buffer.from(roots).toString(),
      );
      expect(trusted.added).toBe(1);
      expect(
        (await operator.answer('POST', '/trust/roots', trustRoots, Buffer.from(roots).toString())).added,
      ).toBe(0);

      const plan = await operator.result('POST', '/imports/plan', importPlan, push);
      expect(plan).toMatchObject({ alreadyImported: false, store: 'brand-devices' });
      expect(plan.items).toContainEqual({
        action: 'new',
        kind: 'snap',
        subject: 'my-app',
        detail: 'of store brand-main',
      });
      expect((await operator.answer('GET', '/pushed-snaps', pushedSnaps)).snaps).toEqual([]);

      const done = await operator.finish('/imports', push);
      expect(done).toMatchObject({ status: 'completed', error: null });
      expect(importResult.parse(done.result)).toMatchObject({ unchanged: false, exporterPinned: true });
      const { snaps } = await operator.answer('GET', '/pushed-snaps', pushedSnaps);
      expect(snaps.map(({ name, stores }) => `${name} ${stores.join(' ')}`)).toEqual([
        'my-app brand-main brand-devices',
        'my-base ubuntu brand-devices',
        'snapd ubuntu brand-devices',
      ]);
      const again = await operator.finish('/imports', push);
      expect(importResult.parse(again.result).unchanged).toBe(true);
      expect((await operator.result('POST', '/imports/plan', importPlan, push)).alreadyImported).toBe(true);

      const found = await operator.answer('GET', '/status', status);
      expect(found).toMatchObject({ database: 'ok', lastImport: { outcome: 'imported' } });
      expect(found.storeId).toBe('brand-devices');
      const setStore = (id: string) =>
        operator.ask('PATCH', '/config', { set: { 'internal.store.id': id }, unset: [] });
      expect((await setStore('nowhere')).status).toBe(404);
      expect((await operator.answer('GET', '/status', status)).storeId).toBe('brand-devices');
      expect((await setStore('brand-main')).status).toBe(204);
      expect((await operator.answer('GET', '/status', status)).storeId).toBe('brand-main');
      const own = { brandId: 'my-brand', parent: null };
      expect(found.stores).toEqual([
        {
          ...own,
          id: 'brand-devices',
          name: 'Brand devices',
          kind: 'device-view',
          includes: [
            { store: 'brand-main', snaps: 'all' },
            { store: 'ubuntu', snaps: 2 },
          ],
          snaps: 0,
        },
        { ...own, id: 'brand-main', name: 'Brand main', kind: 'brand', includes: [], snaps: 1 },
      ]);

      expect(await operator.result('POST', '/prune', removalPlan, { dryRun: true })).toMatchObject({
        items: [],
      });
      const gone = await operator.result('DELETE', '/pushed-snaps/my-app', removalPlan);
      expect(gone).toMatchObject({ applied: true, items: [{ revision: 1 }, { revision: 2 }] });
      expect(
        (await operator.answer('GET', '/pushed-snaps', pushedSnaps)).snaps.map(({ name }) => name),
      ).toEqual(['my-base', 'snapd']);
      expect(gone).toMatchObject({ freedBytes: 0, past: null });
      expect((await operator.answer('GET', '/status', status)).lastImport).toEqual(found.lastImport);

      const { imports } = await operator.answer('GET', '/imports', importList);
      expect(imports).toMatchObject([
        { id: 2, kind: 'removal', fileName: 'my-app', outcome: 'removed', canRollBack: true },
        { id: 1, kind: 'store', outcome: 'imported', canRollBack: true },
      ]);
      const back = await operator.result('POST', '/imports/roll-back', rollBack, { to: 1, dryRun: true });
      expect(back).toMatchObject({ applied: false, undone: [{ id: 2 }, { id: 1 }] });
      const undone = await operator.result('POST', '/imports/roll-back', rollBack);
      expect(undone).toMatchObject({ applied: true, undone: [{ id: 2, kind: 'removal' }] });
      expect(undone.items).toContainEqual({
        action: 'new',
        kind: 'snap',
        subject: 'my-app',
        detail: 'of store brand-main',
      });
      expect((await operator.answer('GET', '/pushed-snaps', pushedSnaps)).snaps).toEqual(snaps);
    });
  });

  test('says inline why snapmodels does not run while the HSM is away', async () => {
    const failure = 'waits for the token "card": no slot carries the token "card"; tries again in 1.0 s';
    const away = { name: 'default', state: 'down', words: failure, failure, lastProbe: undefined };
    await operatorAt(
      temporal,
      await newHost(),
      async (operator) => {
        await operator.ask('PATCH', '/config', { set: { 'proxy.airgap': 'true' } });
        const lines = statusLines(await operator.answer('GET', '/status', status), false);
        expect(lines).toContain(`  snapmodels: not running: ${failure}`);
        expect(lines.filter((line) => line.includes('not running'))).toHaveLength(1);
      },
      () => [away],
    );
  });

  test('takes what "snap download" leaves, and tells metadata that came too early from a broken file', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const inside = await newHost();
    await at(inside, async (operator) => {
      await operator.answer(
        'POST',
        '/trust/roots',
        trustRoots,
        Buffer.from(encodeStream(outside.chain.roots)).toString(),
      );
      const { path, assertions } = await pairOf(outside, 'my-base', 5);
      const pair = { kind: 'snap-pair', path, assertions, channels: ['stable'] };
      const done = await operator.finish('/imports', pair);
      expect(importResult.parse(done.result).snaps).toEqual([
        { name: 'my-base', revision: 5, new: true, channels: ['latest/stable'], channelsMoved: true },
      ]);
      // The same once more, and in words that say the same, is done already: nothing is left for a roll-back to undo.
      const asBefore = { name: 'my-base', revision: 5, new: false, channelsMoved: false };
      for (const channels of [['stable'], ['latest/stable']]) {
        const again = await operator.finish('/imports', { ...pair, channels });
        expect(again.result).toMatchObject({
          unchanged: true,
          snaps: [asBefore],
          changes: { new: 0, updated: 0, removed: 0 },
        });
      }
      expect((await operator.answer('GET', '/imports', importList)).imports).toHaveLength(1);
      const moved = await operator.finish('/imports', { ...pair, channels: ['stable', 'edge'] });
      expect(moved.result).toMatchObject({ unchanged: false, changes: { new: 1, updated: 0 } });
      await writeFile(path, 'something else');
      const wrong = await operator.finish('/imports', pair);
      expect(wrong).toMatchObject({ status: 'failed', error: { code: 'member-digest-wrong' } });
    });
  });

  test('joins a push that runs, but not one of the same file that was asked for in another way', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const { path, assertions } = await pairOf(outside, 'my-base', 5);
    const operator = operatorWithoutWorkers(temporal, await newHost());
    const pair = { kind: 'snap-pair', path, assertions, channels: ['stable'] };
    const started = z.object({ workflowId: z.string() });
    const { workflowId } = await operator.answer('POST', '/imports', started, pair);
    onTestFinished(async () => {
      await temporal.client.workflow.getHandle(workflowId).terminate();
    });
    expect(await operator.answer('POST', '/imports', started, pair)).toMatchObject({ workflowId });
    for (const otherwise of [{ channels: ['edge'] }, { allowOlder: true }]) {
      const other = await operator.ask('POST', '/imports', { ...pair, ...otherwise });
      expect(other.status).toBe(409);
      expect(refused.parse(await other.json())['error-list'][0]).toEqual({
        code: 'operation-differs',
        message: `cannot join ${workflowId}: it runs with other options; repeat this once it is over`,
      });
    }
  });

  test('keeps what "snap download" leaves of a brand that is hosted here in its own store, and asks where there are several', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const inside = await trustingHost(outside);
    const { queries } = inside.database;
    const now = new Date().toISOString();
    const store = (id: string) =>
      queries
        .insertInto('Store')
        .values({ id, name: id, kind: 'brand', brandId: 'my-brand', createdAt: now, changedAt: now })
        .execute();
    await at(inside, async (operator) => {
      const push = async (name: string, revision: number) => {
        const pair = await pairOf(outside, name, revision);
        return operator.finish('/imports', { kind: 'snap-pair', ...pair, channels: ['stable'] });
      };
      const homes = () =>
        queries.selectFrom('Snap').select(['name', 'storeId', 'private']).orderBy('name').execute();
      expect(await push('my-base', 5)).toMatchObject({ status: 'completed' });
      await store('brand-main');
      expect(await push('my-app', 1)).toMatchObject({ status: 'completed' });
      await store('brand-other');
      // Where it is known already nobody has to say it again.
      expect(await push('my-app', 2)).toMatchObject({ status: 'completed' });
      expect(await push('stranger', 1)).toMatchObject({
        status: 'failed',
        error: {
          code: 'snap-of-other-store',
          message: expect.stringContaining('its publisher has the stores brand-main, brand-other here'),
        },
      });
      expect(await homes()).toEqual([
        { name: 'my-app', storeId: 'brand-main', private: true },
        { name: 'my-base', storeId: 'ubuntu', private: false },
      ]);
    });
  });

  test('fetches nothing to a host that is air-gapped', async () => {
    const host = await newHost();
    const fetch = { kind: 'snaps', names: ['core24'], channels: ['stable'], architectures: ['amd64'] };
    await at(host, async (operator) => {
      await host.settings.change(new Map([['proxy.airgap', { value: 'True', secret: false }]]), new Date());
      const response = await operator.ask('POST', '/fetches', fetch);
      expect([response.status, refused.parse(await response.json())['error-list'][0]]).toEqual([
        409,
        {
          code: 'host-air-gapped',
          message:
            'cannot fetch on this host: it is air-gapped and asks nothing outside; fetch on an online host, and push the files here',
        },
      ]);
    });
  });

  test('exports snaps, warns of what they miss, and takes each with its channel map', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const made = await at(outside.host, async (operator) => {
      const absent = await operator.finish('/exports', { kind: 'snaps', names: ['absent'] });
      expect(absent).toMatchObject({ status: 'failed', error: { kind: 'not-found', code: 'snap-unknown' } });
      const request = { kind: 'snaps', names: ['my-app'], channels: ['stable'], architectures: ['amd64'] };
      return exportResult.parse((await operator.finish('/exports', request)).result);
    });
    expect(made.snaps).toEqual([
      { name: 'my-app', revision: 1, channel: 'latest/stable', architecture: 'amd64' },
    ]);
    expect(made.warnings).toEqual([
      'my-app revision 1 needs my-base (its base), which the archive does not hold',
      'my-app revision 1 needs snapd (for its base), which the archive does not hold',
    ]);
    const whole = await at(outside.host, async (operator) => {
      const request = {
        kind: 'snaps',
        names: ['my-app'],
        channels: ['stable'],
        architectures: ['amd64'],
        withDependencies: true,
      };
      return exportResult.parse((await operator.finish('/exports', request)).result);
    });
    expect(whole).toMatchObject({ dependencies: ['my-base', 'snapd'], warnings: [] });
    // Nobody misses what is where the archive goes to.
    const update = await at(outside.host, async (operator) => {
      const basis = { kind: 'archives', path: dirname(whole.files[0]?.path ?? '') };
      const request = {
        kind: 'snaps',
        names: ['my-app'],
        channels: ['stable'],
        architectures: ['amd64'],
        basis,
      };
      return exportResult.parse((await operator.finish('/exports', request)).result);
    });
    expect(update.warnings).toEqual([]);
    await outside.publish(
      { name: 'my-app', version: '3', type: 'app', base: 'my-base', architecture: 'arm64' },
      { store: 'brand-main', private: true, revision: 3, channels: ['latest/stable'] },
    );
    const both = await at(outside.host, async (operator) => {
      const names = ['my-app', 'my-base', 'snapd'];
      const request = { kind: 'snaps', names, channels: ['stable'], architectures: ['amd64', 'arm64'] };
      return exportResult.parse((await operator.finish('/exports', request)).result);
    });
    expect(both.warnings).toEqual([
      'my-app revision 3 needs my-base (its base), which the archive does not hold for arm64',
      'my-app revision 3 needs snapd (for its base), which the archive does not hold for arm64',
    ]);
    expect(whole.files.map(({ subject }) => subject)).toEqual(['my-app', 'my-base', 'snapd']);
    const path = made.files[0]?.path ?? '';
    const inside = await newHost();
    await at(inside, async (operator) => {
      await operator.answer(
        'POST',
        '/trust/roots',
        trustRoots,
        Buffer.from(encodeStream(outside.chain.roots)).toString(),
      );
      const wrongKind = await operator.ask('POST', '/imports', { kind: 'store', path });
      expect(wrongKind.status).toBe(400);
      const done = await operator.finish('/imports', { kind: 'snap', path });
      expect(importResult.parse(done.result).snaps).toEqual([
        { name: 'my-app', revision: 1, new: true, channels: ['latest/stable'], channelsMoved: true },
      ]);
      const { snaps } = await operator.answer('GET', '/pushed-snaps', pushedSnaps);
      expect(snaps[0]).toMatchObject({
        stores: ['brand-main'],
        channels: [{ channel: 'latest/stable', revision: 1 }],
      });
    });
  });

  test('lets an operator give devices another revision, and take it back', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    await at(outside.host, async (operator) => {
      const set = { snap: 'my-app', channel: 'stable', revision: 2 };
      expect(await operator.answer('POST', '/overrides', overrideAnswer, set)).toEqual({
        snapName: 'my-app',
        channel: 'stable',
        places: [{ architecture: 'amd64', revision: 2, upstreamRevision: 1 }],
      });
      const { overrides } = await operator.answer('GET', '/overrides?snap=my-app', overrideList);
      expect(overrides).toEqual([
        {
          snapId: snapIdOf('my-app'),
          snapName: 'my-app',
          channel: 'stable',
          architecture: 'amd64',
          revision: 2,
          upstreamRevision: 1,
        },
      ]);
      const unknown = await operator.ask('POST', '/overrides', { ...set, revision: 77 });
      expect(unknown.status).toBe(404);
      expect((await operator.answer('GET', '/overrides', overrideList)).overrides).toEqual(overrides);
      await operator.answer('POST', '/overrides', overrideAnswer, { ...set, revision: null });
      expect((await operator.answer('GET', '/overrides', overrideList)).overrides).toEqual([]);
      expect((await operator.answer('GET', '/devices', deviceList)).devices).toEqual([]);
    });
  });

  test('says in one sentence what is wrong, and shows nothing to who has no token', async () => {
    const host = await newHost();
    await at(host, async (operator) => {
      expect((await operator.ask('GET', '/status', undefined, 'guess')).status).toBe(401);
      const cases: [string, string, unknown, number, string][] = [
        ['POST', '/imports', { kind: 'store', path: '/nowhere/x.tar.gz' }, 404, 'bundle-unreadable'],
        ['POST', '/imports', { kind: 'store', path: '/dev/zero' }, 404, 'bundle-unreadable'],
        ['POST', '/imports', { kind: 'what', path: 'x' }, 400, 'request-invalid'],
        ['POST', '/imports', 'not json', 400, 'request-invalid'],
        ['POST', '/trust/roots', 'type: nothing', 400, 'assertion-malformed'],
        ['GET', '/operations/none', undefined, 404, 'operation-unknown'],
        ['GET', '/config/no.such.key', undefined, 400, 'setting-unknown'],
        ['PATCH', '/config', { set: { 'proxy.port.http': 'many' } }, 400, 'setting-invalid'],
        [
          'PATCH',
          '/config',
          {
            set: {
              'airlock.hsm.card.token-label': 'card',
              'airlock.hsm.card.module': '/usr/lib/card.so',
              'airlock.hsm.card.p11-kit-address': 'unix:path=/run/card',
            },
          },
          400,
          'setting-invalid',
        ],
        ['PATCH', '/config', { set: { 'airlock.authority.url': 'authority' } }, 400, 'setting-invalid'],
        ['PATCH', '/config', { set: { 'airlock.authority.login': '{}' } }, 400, 'login-file-malformed'],
        ['POST', '/imports/roll-back', { to: 'all' }, 400, 'request-invalid'],
        ...['/fetches', '/exports'].map((path): [string, string, unknown, number, string] => [
          'POST',
          path,
          { kind: 'snaps', names: ['x'], basis: { kind: 'time', at: '2999-01-01T00:00:00.000Z' } },
          400,
          'request-invalid',
        ]),
      ];
      for (const [method, path, body, wanted, code] of cases) {
        const response = await operator.ask(method, path, body);
        const [problem] = refused.parse(await response.json())['error-list'];
        expect({ path, status: response.status, code: problem.code }).toEqual({ path, status: wanted, code });
        expect(problem.message).toMatch(/^cannot /);
        if (path === '/config' && code === 'login-file-malformed')
          expect(problem.message).toContain('airlock.authority.login');
      }
      const operations: [string, string, unknown, string, string][] = [
        ['DELETE', '/pushed-snaps/absent', undefined, 'not-found', 'snap-unknown'],
        ['POST', '/imports/roll-back', {}, 'conflict', 'nothing-to-roll-back'],
        ['POST', '/imports/roll-back', { to: 9, dryRun: true }, 'not-found', 'import-unknown'],
      ];
      for (const [method, path, body, kind, code] of operations) {
        const ended = await operator.finish(path, body, method);
        expect(ended).toMatchObject({
          status: 'failed',
          error: { kind, code, message: expect.stringMatching(/^cannot /) },
        });
      }
    });
  });

  test('lists secrets by name only, and makes the session secret once', async () => {
    const host = await newHost();
    await at(host, async (operator) => {
      const value = z.object({ value: z.string() });
      await operator.ask('PATCH', '/config', {
        set: { 'proxy.airgap': 'true', 'proxy.domain': 'store.example' },
      });
      const secret = (await operator.answer('GET', '/config/proxy.device-auth.secret', value)).value;
      expect(secret).toMatch(/^[0-9a-f]{64}$/);
      await operator.ask('PATCH', '/config', { set: { 'proxy.airgap': 'True' } });
      expect((await operator.answer('GET', '/config/proxy.device-auth.secret', value)).value).toBe(secret);
      for (const change of [
        { unset: ['proxy.device-auth.secret'] },
        { set: { 'proxy.device-auth.secret': 'None' } },
        { set: { 'proxy.airgap': 'False', 'proxy.domain': 'other.example' } },
      ])
        expect((await operator.ask('PATCH', '/config', change)).status).toBe(409);
      expect((await operator.answer('GET', '/config/proxy.domain', value)).value).toBe('store.example');
      await operator.ask('PATCH', '/config', { set: { 'proxy.hsm.token-pin': '74656' } });
      const pin = await operator.ask('GET', '/config/proxy.hsm.token-pin');
      expect(pin.status).toBe(403);
      expect(await pin.text()).not.toContain('74656');
      const proxy = 'http://clerk:p4ss@proxy.example:3128';
      await operator.ask('PATCH', '/config', { set: { 'proxy.https.proxy': proxy } });
      expect((await operator.answer('GET', '/config/proxy.https.proxy', value)).value).toBe(proxy);
      const all = await (await operator.ask('GET', '/config')).text();
      expect(all).toContain('store.example');
      expect(all).not.toContain(secret);
      expect(all).toContain('http://clerk:<redacted>@proxy.example:3128');
      const { acts } = await operator.answer('GET', '/acts', actList);
      expect(acts[0]).toMatchObject({ act: 'setting.reveal', subject: 'proxy.https.proxy' });
    });
    const sealed = await host.database.queries
      .selectFrom('Setting')
      .select('sealed')
      .where('key', '=', 'proxy.https.proxy')
      .executeTakeFirst();
    expect(sealed?.sealed).toBeTruthy();
  });

  test('takes a certificate and its key by settings, and no half of another pair', async () => {
    const random = (size: number) => new Uint8Array(randomBytes(size));
    const one = await selfSigned(['store.example'], new Date(), random);
    const other = await selfSigned(['store.example'], new Date(), random);
    await at(await newHost(), async (operator) => {
      const set = async (values: Record<string, string>) =>
        (await operator.ask('PATCH', '/config', { set: values })).status;
      expect(await set({ 'proxy.tls.cert': one.cert })).toBe(204);
      expect(await set({ 'proxy.tls.key': other.key })).toBe(400);
      expect(await set({ 'proxy.tls.key': one.key })).toBe(204);
      expect(await set({ 'proxy.tls.cert': other.cert })).toBe(400);
      expect(await set({ 'proxy.tls.cert': other.cert, 'proxy.tls.key': other.key })).toBe(204);
    });
  });

  test('takes settings all or none: of those of an older version it names the one that is refused now', async () => {
    await at(await newHost(), async (operator) => {
      const value = z.object({ value: z.string() });
      const valueOf = async (key: string) => (await operator.answer('GET', `/config/${key}`, value)).value;
      const before = await valueOf('proxy.dashboard.location');
      for (const [key, old, code] of [
        ['proxy.domain', 'http://store.example', 'setting-invalid'],
        ['proxy.port.https', 'many', 'setting-invalid'],
        ['proxy.no-longer-there', 'x', 'setting-unknown'],
      ] as const) {
        const set = { 'proxy.dashboard.location': 'https://changed.example', [key]: old };
        const answer = await operator.ask('PATCH', '/config', { set, unset: ['internal.store.url'] });
        expect(answer.status).toBe(400);
        const {
          'error-list': [said],
        } = refused.parse(await answer.json());
        expect(said).toMatchObject({ code, message: expect.stringContaining(key) });
        expect(await valueOf('proxy.dashboard.location')).toBe(before);
      }
    });
  });

  test('tells the CAs that alone are trusted on the way out, as they were given', async () => {
    const { cert } = await selfSigned(['localhost'], new Date(), (size) => new Uint8Array(randomBytes(size)));
    const trusted = z.object({ pem: z.string().nullable() });
    await at(await newHost(), async (operator) => {
      expect(await operator.answer('GET', '/ca-certs', trusted)).toEqual({ pem: null });
      expect(await operator.answer('PUT', '/ca-certs', z.object({ count: z.number() }), cert)).toEqual({
        count: 1,
      });
      const { pem } = await operator.answer('GET', '/ca-certs', trusted);
      expect(pem?.trim()).toBe(cert.trim());
      expect((await operator.ask('DELETE', '/ca-certs')).status).toBe(204);
      expect(await operator.answer('GET', '/ca-certs', trusted)).toEqual({ pem: null });
    });
  });

  test('tells who did what, newest first, in pages, by kind, subject and time', async () => {
    const host = await newHost();
    await host.database.transaction(async (queries) => {
      for (const [minute, act, subject] of [
        [1, 'model.create', 'brand/model-a'],
        [2, 'serial.refuse-duplicate', 'brand/model-a/1'],
        [3, 'serials.other', 'brandy/model-b'],
        [4, 'serial.replace-board', 'brand'],
      ] as const)
        await appendAct(queries, {
          at: new Date(Date.UTC(2026, 0, 1, 0, minute)),
          actor: 'admin',
          act,
          subject,
        });
    });
    await at(host, async (operator) => {
      await operator.ask('GET', '/config/proxy.auth.secret');
      const acts = async (query: string) => {
        const page = await operator.answer('GET', `/acts?${query}`, actList);
        return { acts: page.acts.map(({ act }) => act), next: page.next };
      };
      const first = await acts('limit=2');
      expect(first.acts).toEqual(['setting.reveal', 'serial.replace-board']);
      expect(await acts(`limit=3&before=${first.next}`)).toEqual({
        acts: ['serials.other', 'serial.refuse-duplicate', 'model.create'],
        next: null,
      });
      expect((await acts('act=serial')).acts).toEqual(['serial.replace-board', 'serial.refuse-duplicate']);
      expect((await acts('subject=brand')).acts).toEqual([
        'serial.replace-board',
        'serial.refuse-duplicate',
        'model.create',
      ]);
      const minutes = 'since=2026-01-01T00:02:00Z&until=2026-01-01T00:04:00Z&actor=admin';
      expect((await acts(minutes)).acts).toEqual(['serials.other', 'serial.refuse-duplicate']);
      const wrong = await operator.ask('GET', '/acts?since=yesterday');
      expect(wrong.status).toBe(400);
      expect(refused.parse(await wrong.json())['error-list'][0].message).toMatch(/^cannot read .* since/);
    });
  });

  test('opens what the payloads of workflows hold, for Temporal UI', async () => {
    const host = await newHost();
    await at(host, async (operator) => {
      const plain = { metadata: { encoding: btoa('json/plain') }, data: btoa('"hello"') };
      const payloads = z.object({
        payloads: z.array(z.object({ metadata: z.record(z.string(), z.string()), data: z.string() })),
      });
      const sealed = await operator.answer('POST', '/codec/encode', payloads, { payloads: [plain] });
      expect(sealed.payloads[0]?.data).not.toBe(plain.data);
      const opened = await operator.answer('POST', '/codec/decode', payloads, sealed);
      expect(opened.payloads).toEqual([plain]);
    });
  });
});
