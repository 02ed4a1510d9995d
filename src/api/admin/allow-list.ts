import { Hono } from 'hono';
import { z } from 'zod';

import { planAllowListImport, readAllowList, writeCommaSeparated } from '../../devices/index.ts';
import {
  allowListEntries,
  listAllowList,
  putAllowList,
  removeAllowList,
} from '../../storage/model-service/index.ts';
import { naive } from '../naive-time.ts';
import {
  cursorOf,
  jsonBody,
  pageSize,
  queryOf,
  readCursor,
  textBody,
  view,
  type AdminApiDeps,
  type AdminApp,
  type AdminContext,
  type AdminEnv,
} from './gateway.ts';
import { change, modelOfPath } from './model-lookup.ts';

const listQuery = z.object({
  'page-size': pageSize,
  cursor: z.string().max(128).optional(),
  format: z.enum(['json', 'csv']).default('json'),
});
const importQuery = z.object({ 'dry-run': z.enum(['true', 'false']).default('false') });
const removal = z.object({ serials: z.array(z.string().max(128)).min(1).max(10_000) });

/**
 * `/v1/brand/{brand}/model/{model}/allow-list`: CSV and JSON in and out. An import says what becomes of each row; with
 * `dry-run=true` it only says so. Rows at fault are refused one by one, the others count.
 */
export function allowListRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();

  app.get('/', view('list_allow_list'), async (c) => {
    const { brandId, name } = await modelOfPath(deps, c);
    const query = queryOf(c, listQuery);
    const model = { brandId, modelName: name };
    if (query.format === 'csv') return csv(deps, model);
    const after = query.cursor === undefined ? 0 : readCursor(query.cursor, z.int());
    const rows = await listAllowList(deps.database.queries, model, { after, limit: query['page-size'] + 1 });
    const page = rows.slice(0, query['page-size']);
    const last = rows.length > page.length ? page.at(-1) : undefined;
    return c.json({
      items: page.map((row) => ({
        serial: row.serial,
        'device-key-sha3-384': row.deviceKeyId,
        note: row.note,
        'created-at': naive(row.createdAt),
        'taken-by-device-key-sha3-384': row.takenBy,
        'taken-at': naive(row.takenAt),
      })),
      'next-cursor': last === undefined ? null : cursorOf(last.id),
    });
  });

  app.post('/', view('import_allow_list'), (c) => importList(deps, c));

  app.post('/delete', view('delete_allow_list'), async (c) => {
    const { brandId, name } = await modelOfPath(deps, c);
    const { serials } = await jsonBody(c, removal);
    const act = {
      act: 'allow-list.remove',
      subject: `${brandId}/${name}`,
      details: { count: serials.length },
    };
    const removed = await change(deps, c, act, (tx) =>
      removeAllowList(tx, { brandId, modelName: name }, serials),
    );
    const gone = new Set(removed);
    return c.json({ removed: gone.size, kept: serials.filter((serial) => !gone.has(serial)) });
  });
  return app;
}

async function importList(deps: AdminApiDeps, c: AdminContext): Promise<Response> {
  const { brandId, name } = await modelOfPath(deps, c);
  const model = { brandId, modelName: name };
  const dryRun = queryOf(c, importQuery)['dry-run'] === 'true';
  const rows = readAllowList(await textBody(c));
  const serials = rows.flatMap(({ entry }) => (entry === undefined ? [] : [entry.serial]));
  const plan = async (queries: typeof deps.database.queries) => {
    const existing = (await allowListEntries(queries, model, serials)).map(
      (row) =>
        [
          row.serial,
          {
            serial: row.serial,
            note: row.note,
            deviceKeyId: row.deviceKeyId ?? undefined,
            takenBy: row.takenBy ?? undefined,
          },
        ] as const,
    );
    return planAllowListImport(rows, new Map(existing));
  };
  const act = { act: 'allow-list.import', subject: `${brandId}/${name}`, details: { rows: rows.length } };
  const { results } = dryRun
    ? await plan(deps.database.queries)
    : await change(deps, c, act, async (tx, at) => {
        const planned = await plan(tx);
        await putAllowList(tx, model, planned.writes, { actor: c.get('actor'), at });
        return planned;
      });
  const count = (result: string) => results.filter((row) => row.result === result).length;
  return c.json({
    'dry-run': dryRun,
    added: count('added'),
    changed: count('changed'),
    unchanged: count('unchanged'),
    refused: count('refused'),
    rows: results,
  });
}

const COLUMNS = ['serial', 'device-key-sha3-384', 'note', 'taken-by-device-key-sha3-384', 'taken-at'];
const PAGE = 500;

function csv(deps: AdminApiDeps, model: { readonly brandId: string; readonly modelName: string }): Response {
  let after = 0;
  let begun = false;
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const rows = await listAllowList(deps.database.queries, model, { after, limit: PAGE });
      const cells = rows.map((row) => [
        row.serial,
        row.deviceKeyId ?? '',
        row.note,
        row.takenBy ?? '',
        row.takenAt ?? '',
      ]);
      const lines = writeCommaSeparated(COLUMNS, cells);
      controller.enqueue(new TextEncoder().encode(begun ? lines.slice(lines.indexOf('\n') + 1) : lines));
      begun = true;
      after = rows.at(-1)?.id ?? after;
      if (rows.length < PAGE) controller.close();
    },
  });
  return new Response(stream, { headers: { 'content-type': 'text/csv; charset=utf-8' } });
}
