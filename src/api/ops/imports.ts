import { Hono } from 'hono';
import { identifyImport } from '../../activities/imports/staging.ts';
import type { ImportInput, RollBackInput } from '../../workflows/import-contract.ts';
import { importRequest, type importList, rollBackRequest } from './import-contract.ts';
import type { OpsDeps } from './deps.ts';
import { jsonBody } from './http.ts';
import type { Processes } from './processes.ts';
import { shortDigest } from './transfers.ts';
import type { z } from 'zod';

const OPERATOR = 'operator';

/** Pushes: start, plan, list, roll back. */
export function importRoutes(deps: OpsDeps, processes: Processes): Hono {
  const app = new Hono();

  app.post('/imports', async (context) => {
    const input = await inputOf(await jsonBody(context, importRequest));
    const { channels, pushChannelMap, exporter, allowOlder } = input;
    const wish = shortDigest({ channels, pushChannelMap, exporter, allowOlder });
    return context.json(
      await processes.start(workflowOf(input), `import/${input.digest}`, [input], {}, wish),
      202,
    );
  });

  app.post('/imports/plan', async (context) => {
    const input = await inputOf(await jsonBody(context, importRequest));
    const id = `plan/${input.digest}/${shortDigest(input)}`;
    return context.json(await processes.start('planImport', id, [input]), 202);
  });

  app.get('/imports', async (context) => {
    const rows = await deps.database.queries
      .selectFrom('ImportRecord')
      .select(['id', 'kind', 'storeId', 'fileName', 'digest', 'importedAt', 'exportedAt', 'outcome'])
      // Not itself: an import of thousands of snaps keeps megabytes.
      .select((eb) => eb('undo', 'is', null).as('final'))
      .orderBy('id', 'desc')
      .limit(1000)
      .execute();
    // From the newest down to the first that cannot be undone.
    const standing = rows.filter(({ outcome }) => outcome === 'imported' || outcome === 'removed');
    const end = standing.findIndex((row) => Boolean(row.final));
    const undoable = new Set(standing.slice(0, end === -1 ? undefined : end).map(({ id }) => id));
    const imports = rows.map(({ final: _final, ...row }) => ({ ...row, canRollBack: undoable.has(row.id) }));
    return context.json({ imports } satisfies z.input<typeof importList>);
  });

  app.post('/imports/roll-back', async (context) => {
    const { to, dryRun, changes } = await jsonBody(context, rollBackRequest);
    const id = `roll-back-import/${to ?? 'newest'}${dryRun ? '/plan' : ''}`;
    const input: RollBackInput = { to: to ?? null, dryRun, changes, actor: OPERATOR };
    return context.json(await processes.start('rollBackImport', id, [input]), 202);
  });

  return app;
}

function workflowOf(input: ImportInput): string {
  switch (input.kind) {
    case 'store':
    case 'store-metadata':
      return 'importStore';
    case 'snap':
    case 'snap-pair':
      return 'importSnap';
    case 'account-keys':
      return 'importAccountKeys';
    default:
      return input.kind satisfies never;
  }
}

async function inputOf(request: z.output<typeof importRequest>): Promise<ImportInput> {
  const assertions =
    request.kind === 'snap-pair' ? (request.assertions ?? request.path.replace(/\.snap$/, '.assert')) : null;
  return {
    kind: request.kind,
    path: request.path,
    assertions,
    channels: request.channels,
    pushChannelMap: request.pushChannelMap,
    exporter: request.exporter ?? null,
    allowOlder: request.allowOlder,
    digest: await identifyImport(request.kind, request.path, assertions),
    actor: OPERATOR,
  };
}
