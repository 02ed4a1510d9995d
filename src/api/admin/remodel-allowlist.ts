import { Hono } from 'hono';
import { z } from 'zod';

import { parseModelName } from '../../devices/index.ts';
import {
  addRemodel,
  describeRemodel,
  listRemodel,
  removeRemodel,
  type RemodelRecord,
} from '../../storage/model-service/index.ts';
import { naive } from '../naive-time.ts';
import {
  conflict,
  cursorOf,
  jsonBody,
  notFound,
  pageSize,
  people,
  queryOf,
  readCursor,
  view,
  type AdminApiDeps,
  type AdminApp,
  type AdminEnv,
} from './gateway.ts';
import { change } from './model-lookup.ts';

const line = z.object({
  'from-model': z.string(),
  'to-model': z.string(),
  'from-serial': z.string().min(1).max(128).nullish(),
});
const describedLine = line.extend({ description: z.string().max(512).default('') });
const lines = z.object({ allowlist: z.array(describedLine).min(1).max(1000) });
const keys = z.object({ allowlist: z.array(line).min(1).max(1000) });
const listQuery = z.object({
  'from-model': z.string().max(128).optional(),
  'to-model': z.string().max(128).optional(),
  'page-size': pageSize,
  cursor: z.string().max(128).optional(),
});

/** `/v1/brand/{brand}/remodel-allowlist`: which devices may become another model. All lines of a request count, or none. */
export function remodelAllowlistRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();
  const { queries } = deps.database;

  const shown = async (records: readonly RemodelRecord[]) => {
    const person = people(deps);
    return Promise.all(
      records.map(async (record) => ({
        'from-model': record.fromModel,
        'to-model': record.toModel,
        'from-serial': record.fromSerial === '' ? null : record.fromSerial,
        description: record.description,
        'created-at': naive(record.createdAt),
        'created-by': await person(record.createdBy),
        'modified-at': naive(record.modifiedAt),
        'modified-by': await person(record.modifiedBy),
      })),
    );
  };

  app.get('/', view('list_remodel_allowlist'), async (c) => {
    const query = queryOf(c, listQuery);
    const limit = query['page-size'];
    const rows = await listRemodel(queries, c.req.param('brand') ?? '', {
      ...(query['from-model'] !== undefined && { fromModel: query['from-model'] }),
      ...(query['to-model'] !== undefined && { toModel: query['to-model'] }),
      after: query.cursor === undefined ? 0 : readCursor(query.cursor, z.int()),
      limit: limit + 1,
    });
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    return c.json({
      allowlist: await shown(page),
      'next-cursor': last === undefined ? null : cursorOf(last.id),
    });
  });

  app.post('/', view('create_remodel_allowlist'), async (c) => {
    const brandId = c.req.param('brand') ?? '';
    const given = (await jsonBody(c, lines)).allowlist;
    const added = await change(
      deps,
      c,
      { act: 'remodel.allow', subject: brandId, details: { lines: given.length } },
      async (tx, at) => {
        const records = given.map((one) => ({
          ...keyOf(brandId, one),
          description: one.description,
          createdAt: at.toISOString(),
          createdBy: c.get('actor'),
          modifiedAt: null,
          modifiedBy: null,
        }));
        for (const record of records) {
          if (await addRemodel(tx, record)) continue;
          throw conflict('remodel-exists', `cannot allow ${words(record)}: that line is there already`);
        }
        return records;
      },
    );
    return c.json({ allowlist: await shown(added) }, 201);
  });

  app.patch('/', view('update_remodel_allowlist'), async (c) => {
    const brandId = c.req.param('brand') ?? '';
    const given = (await jsonBody(c, lines)).allowlist;
    const changed = await change(
      deps,
      c,
      { act: 'remodel.describe', subject: brandId, details: { lines: given.length } },
      async (tx, at) => {
        const records: RemodelRecord[] = [];
        for (const one of given) {
          const key = keyOf(brandId, one);
          const record = await describeRemodel(tx, key, {
            description: one.description,
            by: c.get('actor'),
            at,
          });
          if (record === undefined) throw notFound(`the remodel line ${words(key)}`);
          records.push(record);
        }
        return records;
      },
    );
    return c.json({ allowlist: await shown(changed) });
  });

  app.post('/delete', view('delete_remodel_allowlist'), async (c) => {
    const brandId = c.req.param('brand') ?? '';
    const given = (await jsonBody(c, keys)).allowlist;
    await change(
      deps,
      c,
      { act: 'remodel.disallow', subject: brandId, details: { lines: given.length } },
      async (tx) => {
        for (const one of given) {
          const key = keyOf(brandId, one);
          if (!(await removeRemodel(tx, key))) throw notFound(`the remodel line ${words(key)}`);
        }
      },
    );
    return c.body(null, 204);
  });
  return app;
}

function keyOf(brandId: string, one: z.infer<typeof line>) {
  return {
    brandId,
    fromModel: parseModelName(one['from-model']),
    toModel: parseModelName(one['to-model']),
    fromSerial: one['from-serial'] ?? '',
  };
}

function words(key: {
  readonly fromModel: string;
  readonly toModel: string;
  readonly fromSerial: string;
}): string {
  return `${key.fromModel}/${key.fromSerial === '' ? '*' : key.fromSerial} to ${key.toModel}`;
}
