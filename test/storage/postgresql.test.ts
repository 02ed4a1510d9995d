import { MikroORM } from '@mikro-orm/postgresql';
import { describe, expect, it } from 'vitest';
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

  it('is closed when the queries that run or wait for a connection are over', async () => {
    const database = await openDatabase({ postgresql: await temporaryPostgreSql() });
    const asked = Array.from({ length: 30 }, () => generation(database.queries, 'catalog'));
    await database.close();
    expect(await Promise.all(asked)).toEqual(asked.map(() => 0));
  });
});
