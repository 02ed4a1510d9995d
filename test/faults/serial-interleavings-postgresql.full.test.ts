import { describe, it } from 'vitest';
import { hasPostgreSql, temporaryPostgreSql } from '../support/postgresql.ts';
import { liveHistories } from './serial-histories.ts';

describe.skipIf(!hasPostgreSql)('two hosts on one PostgreSQL', () => {
  it('give the answers and leave the rows that the reference says, as on a database file', async () => {
    const postgresql = await temporaryPostgreSql();
    await liveHistories({ seed: 20261126, count: 40, database: { postgresql } });
  });
});
