import { Hono } from 'hono';
import { z } from 'zod';

import { writeCommaSeparated } from '../../devices/index.ts';
import { listSerialLog, type SerialLogEntry } from '../../storage/model-service/index.ts';
import { naive } from '../naive-time.ts';
import {
  cursorOf,
  pageSize,
  queryOf,
  readCursor,
  view,
  type AdminApiDeps,
  type AdminApp,
  type AdminContext,
  type AdminEnv,
} from './gateway.ts';
import { modelOfPath } from './model-lookup.ts';

/** A moment with or without a zone: UTC without one, as the gateway itself writes them. */
const moment = z
  .string()
  .transform(
    (text) => new Date(/(?:Z|[+-]\d\d:?\d\d)$/i.test(text) || !text.includes('T') ? text : `${text}Z`),
  )
  .refine((date) => !Number.isNaN(date.getTime()), 'write a moment as 2026-01-31T12:00:00Z')
  .transform((date) => date.toISOString());
const flag = z
  .enum(['true', 'false', '1', '0'])
  .default('false')
  .transform((text) => text === 'true' || text === '1');

const logQuery = z.object({
  'start-time': moment.optional(),
  'end-time': moment.optional(),
  'page-size': pageSize,
  cursor: z.string().max(512).optional(),
  'include-serial-assertion': flag,
  'include-serial-request-assertion': flag,
  format: z.enum(['json', 'csv']).default('json'),
});
const cursorSchema = z.object({ signedAt: z.iso.datetime(), id: z.string().max(64) });

/**
 * `/v1/brand/{brand}/model/{model}/serial-log` and `…/serial/{serial}/serial-log`: every serial that was signed. One that another took the
 * place of says `ended`. `format=csv` gives all of it as CSV.
 */
export function serialLogRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();
  app.get('/serial-log', view('list_serial_log'), (c) => answer(deps, c, undefined));
  app.get('/serial/:serial/serial-log', view('get_serial_log'), (c) =>
    answer(deps, c, c.req.param('serial')),
  );
  return app;
}

async function answer(deps: AdminApiDeps, c: AdminContext, serial: string | undefined): Promise<Response> {
  const model = await loggedModel(deps, c);
  const query = queryOf(c, logQuery);
  const of = {
    ...model,
    ...(serial !== undefined && { serial }),
    ...(query['start-time'] !== undefined && { start: query['start-time'] }),
    ...(query['end-time'] !== undefined && { end: query['end-time'] }),
  };
  if (query.format === 'csv') return csv(deps, of);
  const limit = query['page-size'];
  const after = query.cursor === undefined ? {} : { after: readCursor(query.cursor, cursorSchema) };
  const rows = await listSerialLog(deps.database.queries, { ...of, ...after, limit: limit + 1 });
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return c.json({
    items: page.map((row) => ({
      'brand-id': row.brandId,
      'model-name': row.modelName,
      serial: row.serial,
      'created-at': naive(row.signedAt),
      'serial-sign-key-sha3-384': row.signKeyId,
      'device-key-sha3-384': row.deviceKeyId,
      ...(query['include-serial-assertion'] && { 'serial-assertion': textOf(row.serialAssertion) }),
      ...(query['include-serial-request-assertion'] && {
        'serial-request-assertion': row.serialRequest && textOf(row.serialRequest),
      }),
      ...(row.ended && { ended: { reason: row.ended.reason, at: naive(row.ended.at) } }),
    })),
    'next-cursor': last === undefined ? null : cursorOf({ signedAt: last.signedAt, id: last.id }),
  });
}

/** The model of the path; one that was deleted, too, as long as the log knows it. */
async function loggedModel(deps: AdminApiDeps, c: AdminContext) {
  const of = { brandId: c.req.param('brand') ?? '', modelName: c.req.param('model') ?? '' };
  const [known] = await listSerialLog(deps.database.queries, { ...of, limit: 1 });
  if (known === undefined) await modelOfPath(deps, c);
  return of;
}

const CSV_COLUMNS = [
  'brand-id',
  'model-name',
  'serial',
  'created-at',
  'device-key-sha3-384',
  'serial-sign-key-sha3-384',
  'api-key-name',
  'source-address',
  'ended-reason',
  'ended-at',
];
const CSV_PAGE = 500;

/** The whole log page by page, so that its length costs no memory. */
function csv(deps: AdminApiDeps, of: Omit<Parameters<typeof listSerialLog>[1], 'limit'>): Response {
  let after: { signedAt: string; id: string } | undefined;
  let begun = false;
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const rows = await listSerialLog(deps.database.queries, {
        ...of,
        ...(after && { after }),
        limit: CSV_PAGE,
      });
      const lines = writeCommaSeparated(CSV_COLUMNS, rows.map(csvRow));
      controller.enqueue(new TextEncoder().encode(begun ? lines.slice(lines.indexOf('\n') + 1) : lines));
      begun = true;
      const last = rows.at(-1);
      if (last === undefined || rows.length < CSV_PAGE) controller.close();
      else after = { signedAt: last.signedAt, id: last.id };
    },
  });
  return new Response(stream, { headers: { 'content-type': 'text/csv; charset=utf-8' } });
}

function csvRow(row: SerialLogEntry): string[] {
  return [
    row.brandId,
    row.modelName,
    row.serial,
    row.signedAt,
    row.deviceKeyId,
    row.signKeyId ?? '',
    row.apiKeyName ?? '',
    row.sourceAddress ?? '',
    row.ended?.reason ?? '',
    row.ended?.at ?? '',
  ];
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
