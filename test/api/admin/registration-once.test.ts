/** A signing key is registered once, whoever asks how often, and at which host. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeAssertion, keyBounds } from '../../../src/assertions/index.ts';
import { openDatabase, type Database, type DatabaseLocation } from '../../../src/storage/index.ts';
import { openGateway } from '../../support/admin-gateway.ts';
import { heldTransaction } from '../../support/held-transaction.ts';
import { openModelService } from '../../support/model-service.ts';
import { hasPostgreSql, someoneWaits, temporaryPostgreSql } from '../../support/postgresql.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const UNTIL = '2099-12-31T00:00:00Z';
const SERIALS = [{ headers: { type: 'serial', model: 'model-.*' } }];

type Answer = Awaited<ReturnType<Awaited<ReturnType<typeof openGateway>>['call']>>;
const errorOf = ({ status, json }: Answer) => [
  status,
  json['error-list'][0].code,
  json['error-list'][0].message,
];
const boundsIn = ({ json }: Answer) => keyBounds(decodeAssertion(json['account-key-request']));

/** Two hosts of one service; the other one's next transaction can be held before it is committed. */
async function twoHosts(postgresql?: string) {
  const location: { database?: DatabaseLocation } =
    postgresql === undefined ? {} : { database: { postgresql } };
  const rig = await openModelService({ folder: await temporaryFolder(), brandId: 'acme', ...location });
  onTestFinished(() => rig.close());
  const here = await openGateway(rig);
  onTestFinished(() => here.close());
  let own: Database = rig.database;
  if (location.database !== undefined) {
    own = await openDatabase(location.database);
    onTestFinished(() => own.close());
  }
  let gate: ReturnType<typeof heldTransaction> | undefined;
  const database: Database = { ...own, transaction: (work) => (gate?.host ?? own).transaction(work) };
  const there = await openGateway(rig, { beside: { database, temporal: here.temporal } });
  const made = await here.call('POST', here.brand('/signing_key'), { name: 'line' });
  const path = here.brand(`/signing_key/${String(made.json['sha3-384'])}`);
  const register = (host: typeof here, bounds: object) => host.call('POST', `${path}/register`, bounds);
  return { rig, here, there, path, register, hold: () => (gate = heldTransaction(own)) };
}

describe.each([
  ['a database file', false],
  ['PostgreSQL', true],
])('a key on %s', (_, onPostgreSql) => {
  it.skipIf(onPostgreSql && !hasPostgreSql)(
    'that two register in one moment is registered as the first one asked, and the other is told as what',
    { timeout: 120_000 },
    async () => {
      const { rig, here, there, path, register, hold } = await twoHosts(
        onPostgreSql ? await temporaryPostgreSql() : undefined,
      );
      const gate = hold();
      const first = register(there, { until: UNTIL });
      await gate.decided;
      const second = register(here, { until: '2098-01-01T00:00:00Z', constraints: SERIALS });
      if (onPostgreSql) await Promise.race([second, someoneWaits(rig.database)]);
      gate.commit();
      expect(errorOf(await second)).toEqual([
        409,
        'registration-requested',
        `cannot register signing key 'line' with other bounds: it is being registered already, until ${UNTIL} and without constraints; make another key`,
      ]);
      expect((await first).status).toBe(200);
      expect(boundsIn(await first)).toEqual({ until: UNTIL });
      expect((await here.call('GET', path)).json).toMatchObject({ until: UNTIL, constraints: null });
      // Who asks for the same, or for nothing, joins.
      for (const bounds of [{ until: UNTIL }, {}]) {
        const joined = await register(here, bounds);
        expect([joined.status, joined.json['account-key-request']]).toEqual([
          200,
          (await first).json['account-key-request'],
        ]);
      }
    },
  );
});

describe('a key that is registered already', () => {
  it('is not registered with other bounds, also where its account-key came without a request from here', async () => {
    const { rig, here } = await twoHosts();
    const end = '2097-01-01T00:00:00Z';
    const { keyId } = await rig.addKey('brought', { until: end, constraints: SERIALS });
    const path = here.brand(`/signing_key/${keyId}`);
    const register = (bounds: object) => here.call('POST', `${path}/register`, bounds);
    expect(errorOf(await register({ until: UNTIL }))).toEqual([
      409,
      'registration-requested',
      `cannot register signing key 'brought' with other bounds: it is registered already, until ${end} and with the constraints [{"headers":{"model":"model-.*","type":"serial"}}]; make another key`,
    ]);
    for (const bounds of [{ until: end }, { constraints: SERIALS }, {}])
      expect((await register(bounds)).json).toMatchObject({ state: 'registered' });
    expect((await here.call('GET', path)).json).toMatchObject({ until: end, 'beyond-request': false });
  });
});
