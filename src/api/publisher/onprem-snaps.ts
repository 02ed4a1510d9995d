import { Hono } from 'hono';
import { z } from 'zod';

import { checkChannel } from '../../publishers/index.ts';
import { claimUpload, findUpload, release, releasesOf, revisionsOf } from '../../storage/authority/index.ts';
import { AirlockError } from '../../errors.ts';
import { callerOf } from './caller.ts';
import { channelMap, releaseRow, revisionRow, snapChannels } from './channel-answers.ts';
import type { PublisherApiDeps } from './deps.ts';
import { documentLimit, jsonBody } from './http.ts';
import { ownSnap } from './own-snap.ts';

const claimSchema = z.object({ 'upload-id': z.string() });
const releasesSchema = z
  .array(z.object({ revision: z.number().int().min(1).nullable(), channel: z.string() }))
  .min(1)
  .max(50);

/** The routes of snapcraft's on-prem mode (protocol/publishers.md, section 4). */
export function onPremSnapRoutes(deps: PublisherApiDeps): Hono {
  const routes = new Hono();
  const { database } = deps;
  routes.post('/v1/snap/:name/revisions', documentLimit, async (context) => {
    const caller = await callerOf(deps, context);
    const snap = await ownSnap(deps, caller, context.req.param('name'), 'package_push');
    const id = (await jsonBody(context, claimSchema))['upload-id'];
    const claim = { id, snapId: snap.snapId, snapName: snap.name, accountId: caller.accountId, channels: [] };
    await claimUpload(database.queries, claim, deps.clock());
    await deps.processes.startPublishing(id);
    return context.json({ 'status-url': `/v1/snap/${snap.name}/revisions/review?upload-id=${id}` });
  });
  routes.get('/v1/snap/:name/revisions/review', async (context) => {
    const caller = await callerOf(deps, context);
    const upload = await findUpload(database.queries, context.req.query('upload-id') ?? '');
    if (upload.accountId !== caller.accountId || upload.snapName !== context.req.param('name')) {
      throw new AirlockError(
        'not-found',
        'resource-not-found',
        'cannot find this upload: send the file again',
      );
    }
    return context.json({ revisions: [reviewOf(upload)] });
  });
  routes.get('/v1/snap/:name/revisions', async (context) => {
    const caller = await callerOf(deps, context);
    const snap = await ownSnap(deps, caller, context.req.param('name'), 'package_access');
    const revisions = await revisionsOf(database.queries, snap.snapId);
    const releases = await releasesOf(database.queries, snap.snapId);
    return context.json({ revisions: revisions.map(revisionRow), releases: releases.map(releaseRow) });
  });
  routes.post('/v1/snap/:name/releases', documentLimit, async (context) => {
    const caller = await callerOf(deps, context);
    const snap = await ownSnap(deps, caller, context.req.param('name'), 'package_release');
    const wanted = await jsonBody(context, releasesSchema);
    for (const { channel } of wanted) checkChannel(caller.attenuation, channel);
    const at = deps.clock().toISOString();
    await database.transaction(async (queries) => {
      for (const { revision, channel } of wanted) {
        await release(queries, {
          snapId: snap.snapId,
          revision,
          channels: [channel],
          actor: caller.accountId,
          at,
        });
      }
    });
    return context.json({ released: wanted });
  });
  routes.get('/v1/snap/:name/releases', async (context) => {
    const caller = await callerOf(deps, context);
    const snap = await ownSnap(deps, caller, context.req.param('name'), 'package_access');
    const releases = await releasesOf(database.queries, snap.snapId);
    const revisions = await revisionsOf(database.queries, snap.snapId);
    return context.json({
      'channel-map': channelMap(releases),
      package: { channels: snapChannels(releases) },
      revisions: revisions.map((revision) => ({
        'created-at': revision.createdAt,
        revision: revision.revision,
        'sha3-384': revision.sha3_384,
        status: 'approved',
        architectures: revision.architectures,
        confinement: revision.confinement,
        'created-by': snap.publisherId,
        grade: revision.grade,
        size: revision.size,
        type: TYPES.has(revision.type) ? revision.type : 'app',
        version: revision.version,
        apps: null,
        base: revision.base,
        'build-url': null,
      })),
    });
  });
  return routes;
}

/** Types that the client knows; it refuses any other. */
const TYPES: ReadonlySet<string> = new Set(['app', 'gadget', 'kernel', 'base', 'snapd']);

function reviewOf(upload: Awaited<ReturnType<typeof findUpload>>) {
  const errors = upload.errors.length > 0 ? upload.errors : null;
  const status = upload.state === 'approved' || upload.state === 'rejected' ? upload.state : 'new';
  return { 'upload-id': upload.id, status, revision: upload.revision, errors };
}
