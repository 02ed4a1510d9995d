import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { z } from 'zod';

import type { BasisRequest } from '../basis.ts';
import { findAddress } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { downloadFile } from '../download.ts';
import { CliError } from '../errors.ts';
import { makeExportFolder, nameTaken, readDocument, save } from '../files.ts';
import { HttpClient } from '../http-client.ts';
import { followOperation } from '../operations.ts';
import { withBar } from '../progress.ts';
import { exportResult, type ExportResult } from '../snap-store-proxy/contract.ts';
import { note } from '../terminal.ts';
import { verifyArchive } from '../verified-archive.ts';
import { authorityLogin } from './authority-login.ts';

const offersSchema = z.looseObject({ exports: z.literal(true) });
const startedSchema = z.looseObject({ id: z.string(), joined: z.boolean(), startedAt: z.string() });
/** A name comes from the other side: it is one in the folder, and nowhere else. */
const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,254}$/);
const resultSchema = exportResult.extend({
  files: z.array(z.looseObject({ subject: z.string(), name: fileName, size: z.number() })),
  tokenFile: fileName.nullable(),
});

/**
 * The host that the command's options name, as an authority that exports by a log-in; undefined where it is none. No log-in is shown
 * to a host before it said so.
 */
export async function exportingAuthority(context: CliContext, auth: string): Promise<HttpClient | undefined> {
  const address = {
    url: await findAddress(context.connection, context.terminal.env),
    name: 'Airlock',
    hint: 'start it with "airlock up", or name another by --data or --url',
    signal: context.signal,
  };
  try {
    await new HttpClient(address).request('/carry/v1/exports', offersSchema);
  } catch (error) {
    if (error instanceof CliError && (error.kind === 'not-found' || error.code === 'answer-malformed'))
      return undefined;
    throw error;
  }
  return new HttpClient({ ...address, authorization: await authorityLogin(context, auth) });
}

/** What is to be exported, as the route takes it but for what it rests on. */
export type LoginWish = { readonly basis?: BasisRequest } & Readonly<Record<string, unknown>>;

/** What of an export is the command's own business. */
export interface LoginExport {
  readonly store: string;
  readonly exportDir?: string | undefined;
  readonly watch?: true | undefined;
}

/**
 * Has an authority export what its account may have, and fetches the files to this machine.
 *
 * @throws CliError `workflow-failed`, `server-refused`, `interrupted`, `file-unwritable`
 */
export async function exportByLogin(
  context: CliContext,
  client: HttpClient,
  { store, exportDir, watch }: LoginExport,
  wish: LoginWish,
): Promise<ExportResult> {
  const basis = await sentBasis(context, wish);
  if (watch)
    note(context.terminal, "Temporal UI is for the authority's operator: the export is followed here.");
  const folder = await makeExportFolder(context, exportDir);
  const exports = `/carry/v1/exports/${encodeURIComponent(store)}`;
  const { id, joined, startedAt } = await client.request(exports, startedSchema, {
    method: 'POST',
    json: { ...wish, ...basis },
    untilAnswered: true,
  });
  if (joined) note(context.terminal, `Going on with the export of ${startedAt}, which was not fetched.`);
  const path = `${exports}/${id}`;
  const result = await withBar(context, (onProgress, beside) =>
    followOperation(beside, client, { workflowId: `export ${id}`, path }, resultSchema, {
      onProgress: ({ done, total }) => onProgress(done, total),
    }),
  );
  for (const warning of result.warnings) note(context.terminal, `warning: ${warning}`);
  const files = [];
  for (const { subject, name, size } of result.files) {
    const file = join(folder, name);
    const wanted = {
      path: `${path}/files/${name}`,
      size,
      file,
      verify: (one: string) => verifyArchive(one, context.signal),
    };
    await withBar(context, (onProgress, beside) => downloadFile(beside, client, wanted, onProgress));
    files.push({ subject, path: file, size });
  }
  const tokenFile = result.tokenFile && join(folder, result.tokenFile);
  if (tokenFile) await fetchToken(client, `${path}/files/${basename(tokenFile)}`, tokenFile);
  await tellFetched(context, client, path);
  return { ...result, files, tokenFile };
}

/** Lets the authority remove its files. Those here are whole, whatever comes of it. */
async function tellFetched({ terminal }: CliContext, client: HttpClient, path: string): Promise<void> {
  try {
    await client.perform(path, { method: 'DELETE' });
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    note(
      terminal,
      `warning: ${error.message}; all files are here, but the authority does not know, and ends the admin token after a day: give the same command again`,
    );
  }
}

/** The token is small, and for its owner's eyes alone. */
async function fetchToken(client: HttpClient, path: string, file: string): Promise<void> {
  const token = await client.text(path);
  if ((await stat(file).catch(() => undefined)) === undefined) return save(file, token, 0o600);
  const { readFile } = await import('node:fs/promises');
  if ((await readFile(file, 'utf8')) === token) return;
  throw nameTaken(file);
}

/**
 * What an authority is told of what the other side has: it reads no file of this machine, so an inventory is sent, of archives too.
 *
 * @throws CliError `file-unreadable`; BundleError
 */
async function sentBasis(context: CliContext, { basis }: { readonly basis?: BasisRequest }): Promise<object> {
  if (basis === undefined) return {};
  switch (basis.kind) {
    case 'time':
      return { basis };
    case 'inventory':
      return { basis: { kind: 'inventory', content: await readDocument(context, basis.path) } };
    case 'archives':
      return { basis: { kind: 'inventory', content: await contentOf(basis.path) } };
    default:
      return basis satisfies never;
  }
}

/** What archives brought, as an inventory tells it. */
async function contentOf(path: string): Promise<string> {
  const { inventoryOfArchives } = await import('../../bundles/index.ts');
  return inventoryOfArchives(path);
}
