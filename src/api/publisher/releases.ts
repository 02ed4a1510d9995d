import { Hono } from 'hono';
import { z } from 'zod';

import { checkChannel, checkPermission } from '../../publishers/index.ts';
import { parseChannel } from '../../snaps/index.ts';
import { release, releasesOf, revisionsOf } from '../../storage/authority/index.ts';
import { callerOf, type Caller } from './caller.ts';
import { channelMap, channelMapTree, releaseRow, revisionRow, snapChannels } from './channel-answers.ts';
import type { PublisherApiDeps } from './deps.ts';
import { documentLimit, jsonBody } from './http.ts';
import { ownSnap } from './own-snap.ts';

const channels = z.array(z.string()).min(1).max(50);
const releaseSchema = z.object({
  name: z.string(),
  revision: z.union([z.string().regex(/^[1-9][0-9]{0,8}$/), z.number().int().min(1)]).transform(Number),
  channels,
});
const closeSchema = z.object({ channels });

/** Release, close and what is where (protocol/publishers.md, section 7). */
export function releaseRoutes(deps: PublisherApiDeps): Hono {
  const routes = new Hono();
  const { database } = deps;

  async function put(
    caller: Caller,
    snapId: string,
    revision: number | null,
    names: readonly string[],
  ): Promise<void> {
    for (const channel of names) {
      parseChannel(channel);
      checkChannel(caller.attenuation, channel);
    }
    const request = {
      snapId,
      revision,
      channels: names,
      actor: caller.accountId,
      at: deps.clock().toISOString(),
    };
    await database.transaction((queries) => release(queries, request));
  }

  routes.post('/dev/api/snap-release/', documentLimit, async (context) => {
    const caller = await callerOf(deps, context);
    const body = await jsonBody(context, releaseSchema);
    const snap = await ownSnap(deps, caller, body.name, 'package_release');
    await put(caller, snap.snapId, body.revision, body.channels);
    const tree = channelMapTree(
      await releasesOf(database.queries, snap.snapId),
      await revisionsOf(database.queries, snap.snapId),
    );
    return context.json({
      success: true,
      channel_map_tree: tree,
      channel_map: [],
      opened_channels: body.channels,
    });
  });
  routes.post('/dev/api/snaps/:snapId/close', documentLimit, async (context) => {
    const caller = await callerOf(deps, context);
    const body = await jsonBody(context, closeSchema);
    const snap = await ownSnap(deps, caller, context.req.param('snapId'), 'package_release');
    await put(caller, snap.snapId, null, body.channels);
    const tree = channelMapTree(
      await releasesOf(database.queries, snap.snapId),
      await revisionsOf(database.queries, snap.snapId),
    );
    return context.json({ closed_channels: body.channels, channel_map_tree: tree, channel_maps: {} });
  });
  routes.get('/dev/api/snaps/:snapId/state', async (context) => {
    const caller = await callerOf(deps, context);
    const snap = await ownSnap(deps, caller, context.req.param('snapId'), 'package_access');
    const tree = channelMapTree(
      await releasesOf(database.queries, snap.snapId),
      await revisionsOf(database.queries, snap.snapId),
    );
    return context.json({ channel_map_tree: tree });
  });
  routes.get('/api/v2/snaps/:name/releases', async (context) => {
    const caller = await callerOf(deps, context);
    checkPermission(caller.attenuation, 'package_access');
    const snap = await ownSnap(deps, caller, context.req.param('name'), 'package_access');
    const revisions = await revisionsOf(database.queries, snap.snapId);
    const releases = await releasesOf(database.queries, snap.snapId);
    return context.json({ revisions: revisions.map(revisionRow), releases: releases.map(releaseRow) });
  });
  routes.get('/api/v2/snaps/:name/channel-map', async (context) => {
    const caller = await callerOf(deps, context);
    const snap = await ownSnap(deps, caller, context.req.param('name'), 'package_access');
    const revisions = await revisionsOf(database.queries, snap.snapId);
    const releases = await releasesOf(database.queries, snap.snapId);
    return context.json({
      'channel-map': channelMap(releases),
      revisions: revisions.map(({ architectures, revision, version }) => ({
        architectures,
        revision,
        version,
      })),
      snap: {
        id: snap.snapId,
        name: snap.name,
        private: snap.private,
        'default-track': null,
        channels: snapChannels(releases),
        tracks: [...new Set(['latest', ...releases.map(({ track }) => track)])].map((name) => ({
          name,
          status: 'active',
          'creation-date': null,
          'version-pattern': null,
        })),
      },
    });
  });
  return routes;
}
