import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { CliContext } from './context.ts';
import { CliError } from './errors.ts';
import { nameTaken, unwritable } from './files.ts';
import type { HttpClient } from './http-client.ts';
import { note } from './terminal.ts';

/** A file that a server has, and where it goes. */
export interface WantedFile {
  /** On the server. */
  readonly path: string;
  readonly size: number;
  /** What is under way has `.part` behind its name. */
  readonly file: string;
  /** Refuses what came if it is not whole and sound, by throwing. */
  readonly verify: (file: string) => Promise<unknown>;
}

/** A server that is silent so long is given up: a command in a script must end some time. */
const PATIENCE_MS = 10 * 60_000;
const PAUSE_MS = 1_000;

/**
 * Downloads a file. A connection that breaks is made again, and what an earlier command left is gone on with; the file has its name
 * only when it is whole and was verified, and never takes that of another one.
 *
 * @throws CliError `file-unwritable`, `server-unreachable`, `interrupted`; BundleError `disk-full`; what `verify` throws
 */
export async function downloadFile(
  context: CliContext,
  client: HttpClient,
  wanted: WantedFile,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const { file, size, verify } = wanted;
  const there = await sizeOf(file);
  if (there === size) {
    await verify(file);
    return;
  }
  if (there !== undefined) throw nameTaken(file);
  const partial = `${file}.part`;
  await requireRoom(partial, size);
  await fill(context, client, { ...wanted, file: partial }, onProgress);
  try {
    await verify(partial);
  } catch (error) {
    if (!context.signal.aborted) await rm(partial, { force: true });
    throw error;
  }
  await rename(partial, file);
}

/** Gets what is missing of a file, however many connections that takes. */
async function fill(
  context: CliContext,
  client: HttpClient,
  { path, size, file }: WantedFile,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const { signal, now } = context;
  let have = await sizeOf(file);
  if (have === undefined || have > size) have = 0;
  let patience = now().getTime() + PATIENCE_MS;
  let told = false;
  while (have < size) {
    const before = have;
    try {
      const headers = { accept: '*/*', ...(have > 0 && { range: `bytes=${have}-` }) };
      const response = await client.send(path, { headers });
      if (response.status !== 206) have = 0;
      for await (const done of written(file, response, have)) {
        have = done;
        onProgress(Math.min(have, size), size);
      }
      if (have > size) throw torn(file);
      if (have < size) throw new Error('the connection ended early');
    } catch (error) {
      if (signal.aborted)
        throw new CliError(
          'unavailable',
          'interrupted',
          'cannot wait any longer: interrupted; the same command goes on with what is here',
          { cause: error },
        );
      if (error instanceof CliError && error.kind !== 'unavailable') throw error;
      have = (await sizeOf(file)) ?? 0;
      if (have > before) patience = now().getTime() + PATIENCE_MS;
      if (now().getTime() > patience) throw error instanceof CliError ? error : unreachable(client, error);
      if (!told) note(context.terminal, `The connection to ${client.url} broke; trying again`);
      told = true;
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Writes what comes from a place in the file on, and tells how far it is; what was written stays, also when the connection breaks. */
async function* written(path: string, { body }: Response, from: number): AsyncGenerator<number> {
  const file = await openFor(path, from);
  try {
    let have = from;
    const chunks: AsyncIterable<Uint8Array> = body ?? new ReadableStream<Uint8Array>();
    for await (const chunk of chunks) {
      await file.write(chunk, 0, chunk.byteLength, have);
      have += chunk.byteLength;
      yield have;
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

async function openFor(path: string, from: number) {
  try {
    return await open(path, from === 0 ? 'w' : 'r+');
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

async function requireRoom(partial: string, size: number): Promise<void> {
  const { requireFreeBytes } = await import('../bundles/index.ts');
  await requireFreeBytes(dirname(partial), Math.max(0, size - ((await sizeOf(partial)) ?? 0)));
}

function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

function torn(file: string): CliError {
  return new CliError(
    'internal',
    'answer-malformed',
    `cannot use what came into ${file}: it is longer than the file that was announced; repeat the command`,
  );
}

function unreachable(client: HttpClient, cause: unknown): CliError {
  return new CliError(
    'unavailable',
    'server-unreachable',
    `cannot finish the download: ${client.url} does not answer any more; the same command goes on with what is here`,
    { cause },
  );
}
