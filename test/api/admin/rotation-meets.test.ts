/** Whoever rotates a key moves the models that it is in force for in that moment, and no others. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { listActs, type Database } from '../../../src/storage/index.ts';
import { completeSigningKey, reserveSigningKey } from '../../../src/storage/model-service/index.ts';
import { openGateway } from '../../support/admin-gateway.ts';
import { openModelService } from '../../support/model-service.ts';
import { hasPostgreSql, temporaryPostgreSql } from '../../support/postgresql.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe.each([
  ['a database file', false],
  ['PostgreSQL', true],
])('the rotation of a key on %s', (_, onPostgreSql) => {
  it.skipIf(onPostgreSql && !hasPostgreSql)(
    'that meets new policies leaves a model alone that another key was given to, and takes along one that the old key was given to',
    { timeout: 120_000 },
    async () => {
      const database = onPostgreSql ? { database: { postgresql: await temporaryPostgreSql() } } : {};
      const rig = await openModelService({
        folder: await temporaryFolder(),
        brandId: 'acme',
        smallKeys: 3,
        ...database,
      });
      onTestFinished(() => rig.close());
      const here = await openGateway(rig);
      onTestFinished(() => here.close());
      const [old, next, third] = [
        await rig.addKey('old'),
        await rig.addKey('next'),
        await rig.addKey('third'),
      ];
      await rig.addModel('model-a', { apiKey: 'api-key-of-model-a', key: old });
      await rig.addModel('model-b', { apiKey: 'api-key-of-model-b', key: old });
      await rig.addModel('model-c', { apiKey: 'api-key-of-model-c', key: third });
      const policies = async (model: string) =>
        (await here.call('GET', here.brand(`/model/${model}/serial_policy`))).json.map(
          (policy: Record<string, unknown>) => policy['signing-key-sha3-384'],
        );
      // Between the question and the transaction, somebody gives model-b another key, and model-c the old one.
      let meets: (() => Promise<unknown>) | undefined = async () => {
        for (const [model, { keyId }] of [
          ['model-b', third],
          ['model-c', old],
        ] as const)
          await here.call('POST', here.brand(`/model/${model}/serial_policy`), {
            'signing-key-sha3-384': keyId,
          });
      };
      const between: Database = {
        ...rig.database,
        transaction: async (work) => {
          const meeting = meets;
          meets = undefined;
          await meeting?.();
          return rig.database.transaction(work);
        },
      };
      const there = await openGateway(rig, { beside: { database: between, temporal: here.temporal } });
      const rotate = (keyId: string) =>
        there.call('POST', there.brand(`/signing_key/${old.keyId}/rotate`), {
          'new-signing-key-sha3-384': keyId,
        });
      const rotated = await rotate(next.keyId);
      expect(rotated.json).toMatchObject({ models: ['model-a', 'model-c'] });
      expect((await policies('model-a')).toSorted()).toEqual([old.keyId, next.keyId].toSorted());
      expect((await policies('model-b')).toSorted()).toEqual([old.keyId, third.keyId].toSorted());
      expect((await policies('model-c')).toSorted()).toEqual([third.keyId, old.keyId, next.keyId].toSorted());

      // Nothing is left to move: asked again it is no act, and a key without its account-key is refused all the same.
      const { queries } = rig.database;
      expect((await rotate(next.keyId)).json).toMatchObject({ models: [] });
      const key = { hsmKeyId: 'none', token: 'default', brandId: 'acme', name: 'not-registered' };
      await reserveSigningKey(queries, { ...key, createdAt: new Date().toISOString(), createdBy: 'admin' });
      await completeSigningKey(queries, 'none', { keyId: 'K-none', publicKey: '', fingerprint: '' });
      const refused = await rotate('K-none');
      expect([refused.status, refused.json['error-list'][0].code]).toEqual([409, 'signing-key-unregistered']);
      const acts = await listActs(queries, { act: 'key.rotate', limit: 10 });
      expect(acts.map(({ details }) => details)).toEqual([
        { to: next.keyId, models: ['model-a', 'model-c'] },
      ]);
    },
  );
});
