import { MikroORM } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { describe, expect, it, vi } from 'vitest';
import { ENTITIES } from '../../src/storage/entities/index.ts';
import { appendAct, generation, listActs, openDatabase, raiseGeneration } from '../../src/storage/index.ts';
import { hasPostgreSql, temporaryPostgreSql } from '../support/postgresql.ts';

describe.skipIf(!hasPostgreSql)('PostgreSQL', () => {
  it('has the tables of the entities and gives values back as the embedded database does', async () => {
    const url = await temporaryPostgreSql();
    const database = await openDatabase({ postgresql: url });
    await Promise.all(
      Array.from({ length: 10 }, () =>
        database.transaction((queries) => raiseGeneration(queries, 'catalog')),
      ),
    );
    expect(await generation(database.queries, 'catalog')).toBe(10);
    const act = {
      at: new Date('2026-11-21T08:00:00Z'),
      actor: 'operator',
      act: 'store.import',
      subject: 'acme',
      details: { snaps: [1, 2] },
    };
    await appendAct(database.queries, act);
    expect(await listActs(database.queries, { limit: 5 })).toEqual([
      { ...act, id: 1, at: '2026-11-21T08:00:00.000Z' },
    ]);
    await database.close();
    const orm = await MikroORM.init({ entities: [...ENTITIES], clientUrl: url });
    const difference = await orm.schema.getUpdateSchemaSQL({ safe: true });
    await orm.close();
    expect(difference.replace(/^set names.*$/gm, '').trim()).toBe('');
  });

  it('tells whether it takes changes', async () => {
    const url = await temporaryPostgreSql();
    const database = await openDatabase({ postgresql: url });
    expect(await database.check()).toBe('ok');
    const name = new URL(url).pathname.slice(1);
    await sql`alter database ${sql.ref(name)} set default_transaction_read_only = on`.execute(
      database.queries,
    );
    // Sessions keep what they began with: these end, the one that ends them too.
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`
      .execute(database.queries)
      .catch(() => undefined);
    await vi.waitFor(async () => expect(await database.check()).toBe('read-only'), 30_000);
    await database.close();
  });

  it('is closed when the queries that run or wait for a connection are over', async () => {
    const database = await openDatabase({ postgresql: await temporaryPostgreSql() });
    const asked = Array.from({ length: 30 }, () => generation(database.queries, 'catalog'));
    await database.close();
    expect(await Promise.all(asked)).toEqual(asked.map(() => 0));
  });
});
