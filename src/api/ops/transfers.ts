import { createHash } from 'node:crypto';
import { Hono } from 'hono';
import { parseChannel, channelName } from '../../snaps/index.ts';
import { stampOf } from '../../bundles/index.ts';
import { exportRequest } from './contract.ts';
import type { OpsDeps } from './deps.ts';
import { jsonBody } from './http.ts';
import type { Processes } from './processes.ts';

const OPERATOR = 'operator';

/** Exports of an authority's stores and snaps. */
export function exportRoutes(deps: OpsDeps, processes: Processes): Hono {
  const app = new Hono();
  app.post('/exports', async (context) => {
    const request = await jsonBody(context, exportRequest);
    const channels = request.channels.map((text) => channelName(parseChannel(text)));
    const common = {
      channels,
      architectures: request.architectures,
      exportDir: request.exportDir ?? null,
      actor: OPERATOR,
    };
    const time = stampOf(deps.clock());
    if (request.kind === 'store') {
      const { kind, store, keys, snaps, admin } = request;
      const input = { ...common, kind, store, keys, snaps, admin: admin ?? null };
      return context.json(
        await processes.start('exportStore', `export-store/${store}/${time}`, [input]),
        202,
      );
    }
    const { kind, names, packages, store } = request;
    const input = {
      ...common,
      kind,
      names,
      store: store ?? null,
      packages: packages.map((one) => ({
        name: one.name,
        revision: one.revision,
        channel: one.push_channel ?? null,
      })),
    };
    const id = `export-snaps/${shortDigest(input)}/${time}`;
    return context.json(await processes.start('exportSnaps', id, [input]), 202);
  });
  return app;
}

/** Requests that ask for the same thing share one process. */
export function shortDigest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 24);
}
