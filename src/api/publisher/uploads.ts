import { Hono } from 'hono';
import { z } from 'zod';

import { AirlockError } from '../../errors.ts';
import { checkChannel, checkPermission } from '../../publishers/index.ts';
import { parseChannel } from '../../snaps/index.ts';
import { claimUpload, findUpload } from '../../storage/authority/index.ts';
import { callerOf } from './caller.ts';
import type { PublisherApiDeps } from './deps.ts';
import { documentLimit, jsonBody } from './http.ts';
import { multipartFile } from './multipart.ts';
import { ownSnap } from './own-snap.ts';
import { UploadIntake } from './upload-intake.ts';

const pushSchema = z.object({
  name: z.string(),
  dry_run: z.boolean().default(false),
  updown_id: z.string().optional(),
  channels: z.array(z.string()).max(50).nullish(),
});

/** Upload in two steps, as craft-store does it: the file with no credential, then the claim with one (protocol/publishers.md, section 6). */
export function uploadRoutes(deps: PublisherApiDeps): Hono {
  const routes = new Hono();
  const intake = new UploadIntake(deps);
  routes.post('/unscanned-upload/', async (context) => {
    const { fileName, bytes } = await multipartFile(context.req.raw, 'binary');
    return context.json({ successful: true, upload_id: await intake.receive(bytes, fileName) });
  });
  routes.post('/dev/api/snap-push/', documentLimit, async (context) => {
    const caller = await callerOf(deps, context);
    const body = await jsonBody(context, pushSchema);
    const snap = await ownSnap(deps, caller, body.name, 'package_push');
    if (body.dry_run) return context.json({}, 202);
    const channels = body.channels ?? [];
    if (channels.length > 0) checkPermission(caller.attenuation, 'package_release');
    for (const channel of channels) {
      parseChannel(channel);
      checkChannel(caller.attenuation, channel);
    }
    if (body.updown_id === undefined) {
      throw new AirlockError('invalid', 'invalid-field', 'cannot take the upload: updown_id is missing');
    }
    const id = body.updown_id;
    const claim = { id, snapId: snap.snapId, snapName: snap.name, accountId: caller.accountId, channels };
    await claimUpload(deps.database.queries, claim, deps.clock());
    await deps.processes.startPublishing(id);
    const status = new URL(`/dev/api/snaps/${snap.snapId}/builds/${id}/status`, context.req.url);
    return context.json({ success: true, status_details_url: status.href }, 202);
  });
  routes.get('/dev/api/snaps/:snapId/builds/:upload/status', async (context) => {
    const caller = await callerOf(deps, context);
    const { snapId, upload: id } = context.req.param();
    const upload = await findUpload(deps.database.queries, id);
    if (upload.accountId !== caller.accountId || upload.snapId !== snapId) {
      throw new AirlockError(
        'not-found',
        'resource-not-found',
        'cannot find this upload: send the file again',
      );
    }
    return context.json(statusOf(upload, context.req.url));
  });
  return routes;
}

type UploadRow = Awaited<ReturnType<typeof findUpload>>;

function statusOf(upload: UploadRow, url: string) {
  const errors = upload.errors.map(({ code, message }) => ({ code, message }));
  switch (upload.state) {
    case 'approved':
      return {
        code: 'ready_to_release',
        processed: true,
        can_release: true,
        url,
        revision: upload.revision,
        errors,
      };
    case 'held':
      return {
        code: 'need_manual_review',
        processed: true,
        can_release: false,
        url,
        revision: upload.revision,
        errors,
      };
    case 'rejected':
      return { code: 'processing_error', processed: true, can_release: false, url, revision: null, errors };
    default:
      return { code: 'being_processed', processed: false };
  }
}
