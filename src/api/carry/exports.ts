import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Hono, type Context } from 'hono';
import { accountFolder, removeAccountFolder } from '../../activities/exports/folder.ts';
import { parseInventory } from '../../bundles/index.ts';
import { writePrivateFile } from '../../config/index.ts';
import { makeFolder } from '../../folders.ts';
import { channelName, parseChannel } from '../../snaps/index.ts';
import { appendAct } from '../../storage/index.ts';
import { fileSender } from '../../storage/file-sending.ts';
import type { Basis, ExportOutcome } from '../../workflows/export-contract.ts';
import { rangedAnswer } from '../device/file-answer.ts';
import type { DeviceEnv } from '../device/index.ts';
import type { ByteRange } from '../device/range.ts';
import { isUnforeseen } from '../errors.ts';
import { errorAnswer, jsonBody, waitAsked } from '../ops/http.ts';
import { requirePast } from '../ops/transfers.ts';
import { unknownExport, type AccountExports } from './account-exports.ts';
import { accountExportRequest, type AccountExportRequest } from './export-contract.ts';
import { knownCaller, requireExport, requireKeysOfBrand, requireStill } from './export-rights.ts';
import type { Caller, RoleDeps } from './roles.ts';

/** What exports for accounts need. */
export interface AccountExportDeps extends RoleDeps {
  readonly exports: AccountExports;
  /** Where the host's exports lie. */
  readonly exportFolder: string;
  readonly random: (bytes: number) => Uint8Array;
  readonly report: (error: unknown) => void;
}

/** How long an export waits to be fetched: a night, and who looks in the morning. */
const KEEP_MS = 24 * 3_600_000;
/** Largest request: an inventory of 16 MiB, as JSON in JSON. */
const REQUEST_MAX = 24 * 2 ** 20;

/**
 * Exports of a store for its own people, under `/carry/v1/exports`: begun with the permissions that a fetch by an online host takes, seen
 * and fetched by the log-in that began them alone. The files lie in a folder that nobody names, until they were fetched or a day is over.
 */
export function createAccountExportApi(deps: AccountExportDeps): Hono<DeviceEnv> {
  const app = new Hono<DeviceEnv>();
  app.onError((error) => {
    if (isUnforeseen(error)) deps.report(error);
    return errorAnswer(error);
  });

  /** Tells commands, before they show a log-in, that this host exports by one. */
  app.get('/carry/v1/exports', (context) => context.json({ exports: true }));

  app.post('/carry/v1/exports/:store', async (context) => {
    const store = context.req.param('store');
    // Before anything is read that is as large as an inventory.
    const caller = await knownCaller(deps, context);
    const request = await jsonBody(context, accountExportRequest, REQUEST_MAX);
    await requireExport(deps, caller, store, request);
    if (request.kind === 'store') await requireKeysOfBrand(deps.database.queries, store, request.keys);
    const owner = ownerOf(caller, store);
    const folder = accountFolder(deps.exportFolder, Buffer.from(deps.random(16)).toString('hex'));
    const basis = await keptBasis(request.basis, folder, deps.clock());
    const wish = {
      ...wishOf(request, store, caller),
      ...basis,
      exportDir: folder,
      at: deps.clock().toISOString(),
    };
    const started = await deps.exports
      .start(owner, request, { wish, keepMs: KEEP_MS })
      .catch(async (error: unknown) => {
        await removeAccountFolder(folder, deps.exportFolder);
        throw error;
      });
    if (started.joined) await removeAccountFolder(folder, deps.exportFolder);
    else
      await appendAct(deps.database.queries, {
        at: deps.clock(),
        actor: caller.accountId,
        act: request.kind === 'store' ? 'store.export' : 'snaps.export',
        subject: store,
        details: { id: started.id },
      });
    return context.json(started, 202);
  });

  app.get('/carry/v1/exports/:store/:id', async (context) => {
    const owner = await ownerAgain(deps, context);
    const { result, ...found } = await deps.exports.look(owner, context.req.param('id'), waitAsked(context));
    return context.json({ ...found, result: result && withoutPaths(result) });
  });

  app.get('/carry/v1/exports/:store/:id/files/:name', async (context) => {
    const owner = await ownerAgain(deps, context);
    const { id, name } = context.req.param();
    const outcome = await deps.exports.files(owner, id);
    const paths = outcome && [...outcome.files.map(({ path }) => path), outcome.tokenFile ?? ''];
    const path = paths?.find((one) => basename(one) === name);
    const found = path && (await stat(path).catch(() => undefined));
    if (!path || !found) throw unknownExport(id);
    const file = {
      size: found.size,
      etag: `"${id}/${name}"`,
      open: (range: ByteRange) => Promise.resolve(createReadStream(path, range)),
      sender: (range: ByteRange) => fileSender(path, range),
    };
    return rangedAnswer(context, file, {
      contentType: 'application/octet-stream',
      fileName: name,
      cacheControl: 'no-store',
      report: deps.report,
    });
  });

  app.delete('/carry/v1/exports/:store/:id', async (context) => {
    await deps.exports.end(await ownerAgain(deps, context), context.req.param('id'));
    return context.body(null, 204);
  });
  return app;
}

function ownerOf({ accountId, macaroon }: Caller, store: string) {
  return { accountId, macaroon, store };
}

/** Who began an export, and may still have it. */
async function ownerAgain(deps: AccountExportDeps, context: Context) {
  const { store = '', id = '' } = context.req.param();
  const caller = await knownCaller(deps, context);
  const owner = ownerOf(caller, store);
  await requireStill(deps, caller, store, await deps.exports.kindOf(owner, id));
  return owner;
}

/** An inventory lies where the files of the export come to lie, and goes with them. */
async function keptBasis(
  basis: AccountExportRequest['basis'],
  folder: string,
  now: Date,
): Promise<{ readonly basis?: Basis }> {
  if (basis === undefined) return {};
  if (basis.kind === 'time') {
    requirePast(basis.at, now);
    return { basis };
  }
  const { digest } = parseInventory(basis.content, 'what was sent');
  const path = join(folder, 'inventory.json');
  await makeFolder(folder);
  await writePrivateFile(path, basis.content);
  return { basis: { kind: 'inventory', path, digest } };
}

function wishOf(request: AccountExportRequest, store: string, { accountId, attenuation }: Caller) {
  const common = {
    channels: request.channels.map((text) => channelName(parseChannel(text))),
    architectures: request.architectures,
    ...(request.withDependencies && { withDependencies: true as const }),
    store,
    actor: accountId,
  };
  if (request.kind === 'store') {
    const { kind, keys, snaps } = request;
    const { expires } = attenuation;
    const until = expires && { adminUntil: expires.toISOString() };
    return { ...common, kind, keys, snaps, admin: accountId, ...until };
  }
  const { kind, names, packages } = request;
  return {
    ...common,
    kind,
    names: [...new Set(names)],
    releasedOnly: true as const,
    packages: packages.map((one) => ({
      name: one.name,
      revision: one.revision,
      channel: one.push_channel ?? null,
    })),
  };
}

/** Where files lie on this host is nobody's business. */
function withoutPaths(outcome: ExportOutcome) {
  return {
    ...outcome,
    files: outcome.files.map(({ subject, path, size }) => ({ subject, name: basename(path), size })),
    tokenFile: outcome.tokenFile && basename(outcome.tokenFile),
  };
}
