/** Whoever rotates a key moves the models that it is in force for in that moment, and no others. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../../src/storage/index.ts';
import { openGateway } from '../../support/admin-gateway.ts';
import { openModelService } from '../../support/model-service.ts';
import { hasPostgreSql, temporaryPostgreSql } from '../../support/postgresql.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe.each([
  ['a database file', false],
  ['PostgreSQL', true],
])('the rotation of a key on %s', (_, onPostgreSql) => {
  it.skipIf(onPostgreSql && !hasPostgreSql)(
    'that meets a new policy changes nothing, and says so; asked again, it leaves that policy alone',
    { timeout: 120_000 },
    async () => {
      const database = onPostgreSql ? { database: { postgresql: await temporaryPostgreSql() } } : {};
      const rig = await openModelService({ folder: await temporaryFolder(), brandId: 'acme', ...database });
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
      const policies = async (model: string) =>
        (await here.call('GET', here.brand(`/model/${model}/serial_policy`))).json.map(
          (policy: Record<string, unknown>) => policy['signing-key-sha3-384'],
        );
      // Between the look of the one who rotates and the transaction, somebody gives model-b another key.
      let meets: (() => Promise<unknown>) | undefined;
      const otherPolicy = () =>
        here.call('POST', here.brand('/model/model-b/serial_policy'), {
          'signing-key-sha3-384': third.keyId,
        });
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
      const rotate = () =>
        there.call('POST', there.brand(`/signing_key/${old.keyId}/rotate`), {
          'new-signing-key-sha3-384': next.keyId,
        });
      meets = otherPolicy;
      const refused = await rotate();
      expect([refused.status, refused.json['error-list']]).toEqual([
        409,
        [
          {
            code: 'policies-changed',
            message:
              "cannot rotate signing key 'old': somebody else changed the serial policies of the brand in this moment; look at them and rotate again",
          },
        ],
      ]);
      expect(await policies('model-a')).toEqual([old.keyId]);
      expect((await rotate()).json).toMatchObject({ models: ['model-a'] });
      expect((await policies('model-a')).toSorted()).toEqual([old.keyId, next.keyId].toSorted());
      expect((await policies('model-b')).toSorted()).toEqual([old.keyId, third.keyId].toSorted());
    },
  );
});
