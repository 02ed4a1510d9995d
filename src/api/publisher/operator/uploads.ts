import { Hono } from 'hono';
import { z } from 'zod';

import { AirlockError } from '../../../errors.ts';
import { parseChannel } from '../../../snaps/index.ts';
import { claimUpload, findSnap, findUpload } from '../../../storage/authority/index.ts';
import type { PublisherApiDeps } from '../deps.ts';
import { queryOf } from '../http.ts';
import { receiveUpload } from '../receive-upload.ts';

const querySchema = z.object({
  snap: z.string(),
  channels: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((channel) => channel !== '')),
});
const waitSchema = z.coerce.number().min(0).max(60).catch(0);

/** POST /uploads?snap=NAME&channels=A,B takes a snap file as its body and publishes it; GET /uploads/ID tells how it goes. */
export function uploadRoutes(deps: PublisherApiDeps): Hono {
  const routes = new Hono();
  routes.post('/uploads', async (context) => {
    const query = queryOf(context, querySchema);
    query.channels.forEach(parseChannel);
    const { queries } = deps.database;
    const snap = await findSnap(queries, query.snap);
    const body = context.req.raw.body;
    if (!body)
      throw new AirlockError('invalid', 'upload-empty', 'cannot take the upload: the request has no body');
    const id = await receiveUpload(deps, body, `${snap.name}.snap`);
    const claim = { id, snapId: snap.snapId, snapName: snap.name, accountId: snap.publisherId };
    await claimUpload(queries, { ...claim, channels: query.channels }, deps.clock());
    await deps.processes.startPublishing(id);
    return context.json({ uploadId: id }, 202);
  });
  routes.get('/uploads/:id', async (context) => {
    const upload = await findUpload(deps.database.queries, context.req.param('id'));
    const waitMs = waitSchema.parse(context.req.query('wait')) * 1000;
    const outcome =
      upload.state === 'processing' ? await deps.processes.publication(upload.id, waitMs) : undefined;
    const state = outcome?.state ?? upload.state;
    const revision = outcome?.revision ?? upload.revision;
    const errors = outcome?.errors ?? upload.errors;
    return context.json({ uploadId: upload.id, snap: upload.snapName, state, revision, errors });
  });
  return routes;
}
