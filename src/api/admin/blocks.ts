import { Hono } from 'hono';
import { z } from 'zod';

import { BLOCK_KINDS, checkBlockSubject } from '../../devices/index.ts';
import {
  addBlock,
  blockedIsKnown,
  findToken,
  listBlocks,
  removeBlock,
} from '../../storage/model-service/index.ts';
import { naive } from '../naive-time.ts';
import {
  conflict,
  jsonBody,
  notFound,
  view,
  type AdminApiDeps,
  type AdminApp,
  type AdminEnv,
} from './gateway.ts';
import { change } from './model-lookup.ts';

const target = z.object({
  kind: z.enum(BLOCK_KINDS),
  /** `serial`: MODEL/SERIAL; `api-key`: MODEL/NAME; else the model's name, the key's id or the session. */
  subject: z.string().min(1).max(255),
});
const block = target.extend({ reason: z.string().max(512).default('') });

/** `/v1/brand/{brand}/blocks`: a device, device key, model, session or API key, out from the next request on. */
export function blockRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();

  app.get('/', view('list_blocks'), async (c) => {
    const rows = await listBlocks(deps.database.queries, c.req.param('brand') ?? '');
    return c.json(
      rows.map((row) => ({
        kind: row.kind,
        subject: row.subject,
        reason: row.reason,
        'created-at': naive(row.createdAt),
        'created-by': row.createdBy,
      })),
    );
  });

  app.post('/', view('create_block'), async (c) => {
    const brandId = c.req.param('brand') ?? '';
    const { kind, subject, reason } = await jsonBody(c, block);
    checkBlockSubject(kind, subject);
    if (kind === 'session' && (await findToken(deps.database.queries, subject)) !== undefined)
      throw conflict(
        'session-is-log-in',
        `cannot block session ${JSON.stringify(subject)}: it is a log-in and no device's; revoke the token`,
      );
    const known = await blockedIsKnown(deps.database.queries, { kind, brandId, subject });
    if (kind === 'api-key' && !known) throw notFound(`the API key ${JSON.stringify(subject)}`);
    const act = { act: 'block', subject: `${brandId}/${subject}`, details: { kind, reason } };
    const createdAt = await change(deps, c, act, async (tx, at) => {
      await addBlock(tx, {
        kind,
        brandId,
        subject,
        reason,
        createdAt: at.toISOString(),
        createdBy: c.get('actor'),
      });
      return at.toISOString();
    });
    return c.json(
      { kind, subject, reason, 'created-at': naive(createdAt), 'created-by': c.get('actor'), known },
      201,
    );
  });

  app.post('/delete', view('delete_block'), async (c) => {
    const brandId = c.req.param('brand') ?? '';
    const { kind, subject } = await jsonBody(c, target);
    await change(
      deps,
      c,
      { act: 'unblock', subject: `${brandId}/${subject}`, details: { kind } },
      async (tx) => {
        if (!(await removeBlock(tx, { kind, brandId, subject })))
          throw notFound(`a block of ${kind} ${JSON.stringify(subject)}`);
      },
    );
    return c.body(null, 204);
  });
  return app;
}
