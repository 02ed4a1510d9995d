import { Hono } from 'hono';
import { z } from 'zod';

import { decideEnrolmentRequest, listEnrolmentRequests } from '../../storage/model-service/index.ts';
import { naive } from '../naive-time.ts';
import {
  cursorOf,
  jsonBody,
  notFound,
  pageSize,
  queryOf,
  readCursor,
  view,
  type AdminApiDeps,
  type AdminApp,
  type AdminEnv,
} from './gateway.ts';
import { change, modelOfPath } from './model-lookup.ts';

const listQuery = z.object({
  state: z.enum(['pending', 'approved', 'refused']).default('pending'),
  'page-size': pageSize,
  cursor: z.string().max(128).optional(),
});
const decision = z.object({
  'device-keys': z.array(z.string().max(64)).min(1).max(1000),
  decision: z.enum(['approve', 'refuse']),
});

/** `/v1/brand/{brand}/model/{model}/approvals`: devices that wait for a yes; a device learns it when it asks again. */
export function approvalRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();

  app.get('/', view('list_approvals'), async (c) => {
    const { brandId, name } = await modelOfPath(deps, c);
    const query = queryOf(c, listQuery);
    const rows = await listEnrolmentRequests(
      deps.database.queries,
      { brandId, modelName: name },
      {
        state: query.state,
        after: query.cursor === undefined ? 0 : readCursor(query.cursor, z.int()),
        limit: query['page-size'] + 1,
      },
    );
    const page = rows.slice(0, query['page-size']);
    const last = rows.length > page.length ? page.at(-1) : undefined;
    return c.json({
      items: page.map((row) => ({
        'device-key-sha3-384': row.deviceKeyId,
        'proposed-serial': row.proposedSerial,
        state: row.state,
        'source-address': row.sourceAddress,
        'first-seen-at': naive(row.firstSeenAt),
        'last-seen-at': naive(row.lastSeenAt),
        'decided-at': naive(row.decidedAt),
        'decided-by': row.decidedBy,
      })),
      'next-cursor': last === undefined ? null : cursorOf(last.id),
    });
  });

  app.post('/', view('decide_approvals'), async (c) => {
    const { brandId, name } = await modelOfPath(deps, c);
    const given = await jsonBody(c, decision);
    const state = given.decision === 'approve' ? 'approved' : 'refused';
    const subject = `${brandId}/${name}`;
    const details = { 'device-keys': given['device-keys'] };
    await change(deps, c, { act: `enrolment.${given.decision}`, subject, details }, async (tx, at) => {
      for (const deviceKeyId of given['device-keys']) {
        const of = { deviceKeyId, state, by: c.get('actor'), at } as const;
        if (!(await decideEnrolmentRequest(tx, { brandId, modelName: name }, of))) {
          throw notFound(`a device with key ${deviceKeyId} that asked to enrol`);
        }
      }
    });
    return c.json({ decided: given['device-keys'].length });
  });
  return app;
}
