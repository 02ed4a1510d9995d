import { describe, expect, it, onTestFinished } from 'vitest';
import { createSigningKeyActivities } from '../../../src/activities/signing-keys.ts';
import { decodeAssertion, keyBounds } from '../../../src/assertions/index.ts';
import { findAssertion, openDatabase } from '../../../src/storage/index.ts';
import { beginRegistration } from '../../../src/storage/model-service/index.ts';
import { openGateway } from '../../support/admin-gateway.ts';
import { openModelService } from '../../support/model-service.ts';
import { hasPostgreSql, someoneWaits, temporaryPostgreSql } from '../../support/postgresql.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const UNTIL = '2099-12-31T00:00:00Z';
const BY = { at: new Date('2026-11-21T08:00:00Z'), actor: 'ada' };

async function openService() {
  const postgresql = await temporaryPostgreSql();
  const rig = await openModelService({
    folder: await temporaryFolder(),
    brandId: 'acme',
    database: { postgresql },
  });
  onTestFinished(() => rig.close());
  return { rig, postgresql };
}

describe.skipIf(!hasPostgreSql)('the bounds of a key on PostgreSQL', () => {
  it('are the same in whatever order they are written', { timeout: 120_000 }, async () => {
    const { rig } = await openService();
    const gateway = await openGateway(rig);
    onTestFinished(() => gateway.close());
    const headers = { type: 'serial', 'brand-id': 'acme', model: 'model-.*' };
    const constraints = [{ headers }];
    const made = await gateway.call('POST', gateway.brand('/signing_key'), { name: 'line', constraints });
    expect(made.status).toBe(201);
    const path = gateway.brand(`/signing_key/${String(made.json['sha3-384'])}/register`);
    const { type, model, 'brand-id': brand } = headers;
    for (const written of [headers, { 'brand-id': brand, model, type }, { model, type, 'brand-id': brand }]) {
      const registered = await gateway.call('POST', path, { constraints: [{ headers: written }] });
      expect(registered.status).toBe(200);
      expect(keyBounds(decodeAssertion(registered.json['account-key-request']))).toEqual({ constraints });
    }
    const other = await gateway.call('POST', path, { constraints: [{ headers: { type, model } }] });
    expect([other.status, other.json['error-list'][0].code]).toEqual([409, 'registration-requested']);
  });

  it(
    'are those of the request, also where another host sets them while it is signed',
    { timeout: 120_000 },
    async () => {
      const { rig, postgresql } = await openService();
      const { keyId } = await rig.addKey('line', false);
      const { database, tokens } = rig;
      const activities = createSigningKeyActivities({ database, tokens, clock: () => new Date() });
      const otherHost = await openDatabase({ postgresql });
      onTestFinished(() => otherHost.close());
      const decided = Promise.withResolvers<void>();
      const commit = Promise.withResolvers<void>();
      const bounded = otherHost.transaction(async (queries) => {
        const done = await beginRegistration(queries, keyId, { until: UNTIL }, BY);
        decided.resolve();
        await commit.promise;
        return done;
      });
      await decided.promise;
      const signing = activities.signKeyRequest({ keyId, actor: 'ada' }).then(
        () => 'stored',
        (error: unknown) => error,
      );
      await someoneWaits(database);
      commit.resolve();
      expect(await bounded).toBe(true);
      expect(await signing).toMatchObject({ code: 'signing-key-changed' });
      expect(await findAssertion(database.queries, 'account-key-request', [keyId])).toBeUndefined();
      await activities.signKeyRequest({ keyId, actor: 'ada' });
      const kept = await findAssertion(database.queries, 'account-key-request', [keyId]);
      expect(kept && keyBounds(decodeAssertion(kept.bytes))).toEqual({ until: UNTIL });
      expect(await otherHost.transaction((queries) => beginRegistration(queries, keyId, {}, BY))).toBe(false);
    },
  );
});
