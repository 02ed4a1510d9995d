import { Hono } from 'hono';
import { parseChannel, shortChannelName } from '../../snaps/index.ts';
import { overrideChange } from './override-contract.ts';
import type { OpsDeps } from './deps.ts';
import { jsonBody } from './http.ts';

/** What an operator gives devices in place of what a channel holds. */
export function overrideRoutes({ overrides }: OpsDeps): Hono {
  const app = new Hono();

  app.get('/overrides', async (context) => {
    const listed = await overrides.list(context.req.query('snap'));
    return context.json({ overrides: listed });
  });

  app.post('/overrides', async (context) => {
    const { snap, channel, revision, credentials, store } = await jsonBody(context, overrideChange);
    const access = credentials === undefined || store === undefined ? undefined : { credentials, store };
    const changed = await overrides.change([{ snap, channel, revision, access }], 'operator');
    const { trackGiven: _given, ...place } = parseChannel(channel);
    return context.json({
      snapName: snap,
      channel: shortChannelName(place),
      places: changed.map((one) => ({
        architecture: one.architecture,
        revision: one.revision,
        upstreamRevision: one.upstreamRevision,
      })),
    });
  });
  return app;
}
