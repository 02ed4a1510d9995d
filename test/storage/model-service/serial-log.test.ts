import { join } from 'node:path';
import { CompiledQuery, sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase, type Database, type Queries } from '../../../src/storage/index.ts';
import {
  listSerialLog,
  serialLogQuery,
  type SerialLogCursor,
} from '../../../src/storage/model-service/index.ts';
import { temporaryDatabase } from '../../support/database.ts';
import { hasPostgreSql, temporaryPostgreSql } from '../../support/postgresql.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const OF = { brandId: 'acme', modelName: 'model-a' };

async function postgreSql(): Promise<Database> {
  const database = await openDatabase({ postgresql: await temporaryPostgreSql() });
  onTestFinished(() => database.close());
  return database;
}

const draft = (id: string, of: { readonly serial: string; readonly signedAt: string | null }) => ({
  ...OF,
  ...of,
  deviceKeyId: `device-${id}`,
  signKeyId: 'sign-key',
  apiKeyName: 'line-1',
  sourceAddress: '192.0.2.1',
  createdAt: '2026-01-01T00:00:00.000Z',
  serialRequest: Buffer.from('request'),
  serialAssertion: of.signedAt === null ? null : Buffer.from(id),
});

async function addPresent(queries: Queries, id: string, of: Parameters<typeof draft>[1]): Promise<void> {
  const rest = { authorityId: 'acme', hsmKeyId: 'h', headers: {}, body: '', batch: null, closedReason: null };
  const row = draft(id, of);
  await queries
    .insertInto('SerialIntent')
    .values({ ...row, ...rest, id, timestamp: row.createdAt })
    .execute();
}

async function addFormer(queries: Queries, id: string, of: Parameters<typeof draft>[1]): Promise<void> {
  const rest = { reason: 'board-replaced', endedAt: '2026-05-01T00:00:00.000Z', endedBy: 'airlock' };
  await queries
    .insertInto('SerialHistory')
    .values({ ...draft(id, of), ...rest, draftId: id, revision: null })
    .execute();
}

/** The log, page by page. */
async function paged(queries: Queries, limit: number): Promise<string[]> {
  const ids: string[] = [];
  let after: SerialLogCursor | undefined;
  for (;;) {
    const page = await listSerialLog(queries, { ...OF, limit, ...(after && { after }) });
    ids.push(...page.map(({ id }) => id));
    after = page.at(-1);
    if (page.length < limit) return ids;
  }
}

const MARCH = '2026-03-01T00:00:00.000Z';
const APRIL = '2026-04-01T00:00:00.000Z';

/** Two boards that came after one another, two serials of the same moment, a promise of each kind, and another model's serial. */
async function fill(queries: Queries): Promise<void> {
  await addFormer(queries, 'b', { serial: 'S-1', signedAt: MARCH });
  await addPresent(queries, 'c', { serial: 'S-1', signedAt: APRIL });
  await addPresent(queries, 'a', { serial: 'S-2', signedAt: MARCH });
  await addFormer(queries, 'd', { serial: 'S-3', signedAt: APRIL });
  await addFormer(queries, 'e', { serial: 'S-4', signedAt: null });
  await addPresent(queries, 'f', { serial: 'S-4', signedAt: null });
  await addPresent(queries, 'g', { serial: 'S-5', signedAt: MARCH });
  await queries.updateTable('SerialIntent').set({ modelName: 'model-b' }).where('id', '=', 'g').execute();
}

describe.each([
  ['the embedded database', temporaryDatabase, true],
  ['PostgreSQL', postgreSql, hasPostgreSql],
] as const)('the serial log in %s', (_engine, open, isHere) => {
  it.skipIf(!isHere)('has what was signed, of today and ended, in one order, whatever the page', async () => {
    const { queries } = await open();
    await fill(queries);
    for (const limit of [1, 2, 3, 4, 5]) expect(await paged(queries, limit)).toEqual(['a', 'b', 'c', 'd']);
    const [, ended, today] = await listSerialLog(queries, { ...OF, limit: 10 });
    const same = { signKeyId: 'sign-key', apiKeyName: 'line-1', sourceAddress: '192.0.2.1' };
    expect(ended).toMatchObject({
      ...same,
      deviceKeyId: 'device-b',
      serialAssertion: Buffer.from('b'),
      serialRequest: Buffer.from('request'),
      ended: { reason: 'board-replaced', at: '2026-05-01T00:00:00.000Z' },
    });
    expect(today).toMatchObject({ ...same, deviceKeyId: 'device-c', ended: null });
  });

  it.skipIf(!isHere)('is asked by serial and by time, and goes on where a page ended', async () => {
    const { queries } = await open();
    await fill(queries);
    const ids = async (of: Partial<Parameters<typeof listSerialLog>[1]>) =>
      (await listSerialLog(queries, { ...OF, limit: 10, ...of })).map(({ id }) => id);
    expect(await ids({ serial: 'S-1' })).toEqual(['b', 'c']);
    expect(await ids({ serial: 'S-4' })).toEqual([]);
    expect(await ids({ start: APRIL })).toEqual(['c', 'd']);
    expect(await ids({ end: APRIL })).toEqual(['a', 'b']);
    expect(await ids({ serial: 'S-1', start: APRIL })).toEqual(['c']);
    expect(await ids({ after: { signedAt: MARCH, id: 'a' } })).toEqual(['b', 'c', 'd']);
    expect(await ids({ start: APRIL, after: { signedAt: MARCH, id: 'a' } })).toEqual(['c', 'd']);
    expect(await ids({ end: APRIL, after: { signedAt: MARCH, id: 'b' } })).toEqual([]);
  });
});

describe('a page of the serial log', () => {
  it.each([
    ['by time', {}, ['model_name_signed_at_draft_id', 'model_name_signed_at_id']],
    ['by serial', { serial: 'S-1' }, ['of_serial', 'model_name_serial']],
  ])('%s is found by an index, and is all that is sorted', async (_name, of, indexes) => {
    const { queries } = await temporaryDatabase();
    const after = { signedAt: MARCH, id: 'a' };
    const asked = serialLogQuery(queries, { ...OF, ...of, after, limit: 100 }).compile();
    const plan = await queries.executeQuery<{ detail: string }>(
      CompiledQuery.raw(`explain query plan ${asked.sql}`, [...asked.parameters]),
    );
    const steps = plan.rows.map(({ detail }) => detail);
    const searches = steps.filter((step) => step.startsWith('SEARCH'));
    expect(searches).toHaveLength(2);
    for (const [at, index] of indexes.entries()) expect(searches[at]).toContain(index);
    expect(steps.filter((step) => step.startsWith('SCAN serial_'))).toEqual([]);
  });
});

describe('a database of the release before', () => {
  it('has its former signatures in the log, at the moment of their promise', async () => {
    const file = join(await temporaryFolder(), 'database.sqlite');
    const before = await openDatabase({ file });
    await fill(before.queries);
    for (const statement of [
      'drop index serial_intent_brand_id_model_name_signed_at_id_index',
      'drop index serial_history_brand_id_model_name_signed_at_draft_id_index',
      'drop index serial_history_of_serial_index',
      ...['draft_id', 'signed_at', 'api_key_name', 'source_address', 'serial_request'].map(
        (column) => `alter table serial_history drop column ${column}`,
      ),
      'create index serial_history_brand_id_model_name_serial_index on serial_history (brand_id, model_name, serial)',
      "delete from mikro_orm_migrations where name = '0011'",
    ])
      await sql.raw(statement).execute(before.queries);
    await before.close();
    const database = await openDatabase({ file });
    onTestFinished(() => database.close());
    const log = await listSerialLog(database.queries, { ...OF, limit: 10 });
    expect(log.map(({ id, serial, signedAt }) => [id, serial, signedAt])).toEqual([
      ['former-1', 'S-1', '2026-01-01T00:00:00.000Z'],
      ['former-2', 'S-3', '2026-01-01T00:00:00.000Z'],
      ['a', 'S-2', MARCH],
      ['c', 'S-1', APRIL],
    ]);
    expect(log[0]).toMatchObject({
      apiKeyName: null,
      serialRequest: null,
      ended: { reason: 'board-replaced' },
    });
  });
});
