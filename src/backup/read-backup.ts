import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Extract } from 'tar-stream';
import { sentenceOf } from '../errors.ts';
import {
  CONTENTS_MAX,
  CONTENTS_NAME,
  backupContents,
  type BackupContents,
  type BackupMember,
} from './contents.ts';
import { openDataKey, type Opener } from './data-key.ts';
import { BackupError } from './errors.ts';
import { readHeader, type BackupHeader } from './header.ts';
import { openStream } from './sealed-stream.ts';
import type { BackupProgress } from './write-backup.ts';

/** What opens a backup: what its owner has, or the data key of one that was just made. */
export type Unlock = Opener | { readonly dataKey: Uint8Array };

/** What is done with the parts as they pass. */
export interface BackupVisitor {
  contents?(contents: BackupContents): Promise<void>;
  /** Must read the chunks to their end. */
  member(member: BackupMember, chunks: AsyncIterable<Uint8Array>): Promise<void>;
}

/**
 * Reads a whole backup as a stream: each part is decrypted, and its digest checked against the list. What the visitor
 * wrote is to be trusted only once this resolved.
 * @throws BackupError `backup-form-unknown`, `backup-key-wrong`, `backup-damaged`, `backup-file-unusable`
 */
export async function readBackup(
  path: string,
  unlock: Unlock,
  visitor: BackupVisitor,
  { signal, onProgress }: BackupProgress = {},
): Promise<BackupContents> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new BackupError('backup-file-unusable', `cannot read ${path}: ${sentenceOf(cause)}`, { cause });
  });
  try {
    const { header, bytes } = await readHeader(file, path);
    const dataKey = 'dataKey' in unlock ? unlock.dataKey : await openDataKey(header.key, unlock);
    const { size } = await file.stat();
    const sealed: AsyncIterable<Buffer> = file.createReadStream({
      start: bytes.length,
      highWaterMark: 1024 * 1024,
      autoClose: false,
    });
    let done = 0;
    const counted = async function* () {
      for await (const piece of sealed) {
        done += piece.length;
        onProgress?.(done, size);
        yield piece;
      }
    };
    return await readMembers(openStream(counted(), dataKey, bytes), header, visitor, signal);
  } finally {
    await file.close();
  }
}

async function readMembers(
  plain: AsyncIterable<Uint8Array>,
  header: BackupHeader,
  visitor: BackupVisitor,
  signal: AbortSignal | undefined,
): Promise<BackupContents> {
  const tar = extract();
  let broken: unknown;
  const flow = pipeline(Readable.from(plain, { objectMode: false }), tar, { ...(signal && { signal }) });
  flow.catch((error: unknown) => {
    broken = error;
  });
  const state: { contents?: BackupContents; next: number } = { next: 0 };
  try {
    for await (const entry of tar) {
      if (state.contents) await readMember(entry, state.contents.members[state.next++], visitor);
      else {
        state.contents = await readContents(entry, header);
        await visitor.contents?.(state.contents);
      }
    }
    await flow;
  } catch (error) {
    tar.destroy();
    await flow.catch(() => undefined);
    signal?.throwIfAborted();
    const first = broken instanceof BackupError ? broken : error;
    if (first instanceof Error && isOfTar(first)) throw damaged(sentenceOf(first), first);
    throw first;
  }
  const { contents, next } = state;
  if (contents === undefined) throw damaged('it is empty');
  if (next < contents.members.length) throw damaged(`${contents.members[next]?.name} is missing`);
  return contents;
}

/** A member as the tar reader gives it. */
type Entry = Extract extends AsyncIterable<infer Source> ? Source : never;

async function readContents(entry: Entry, header: BackupHeader): Promise<BackupContents> {
  if (entry.header.name !== CONTENTS_NAME || (entry.header.size ?? 0) > CONTENTS_MAX)
    throw damaged('it does not begin with its list');
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(entry)) chunks.push(chunk);
  try {
    const contents = backupContents.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    if (contents.backupId === header.backupId) return contents;
  } catch (cause) {
    throw damaged('its list cannot be read', cause);
  }
  throw damaged('its list is that of another backup');
}

async function readMember(
  entry: Entry,
  listed: BackupMember | undefined,
  visitor: BackupVisitor,
): Promise<void> {
  const { name, size, type } = entry.header;
  if (listed === undefined || type !== 'file' || name !== listed.name || size !== listed.size)
    throw damaged(`${JSON.stringify(name.slice(0, 120))} is not what its list says`);
  const hash = createHash('sha3-384');
  const hashed = async function* () {
    for await (const chunk of chunksOf(entry)) {
      hash.update(chunk);
      yield chunk;
    }
  };
  await visitor.member(listed, hashed());
  if (hash.digest('hex') !== listed.digest) throw damaged(`${name} is not what was backed up`);
}

async function* chunksOf(entry: Entry): AsyncIterable<Uint8Array> {
  for await (const chunk of entry) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('internal error: a tar member that is not bytes');
    yield chunk;
  }
}

/** Errors of the tar reader have no class and no code. */
function isOfTar(error: Error): boolean {
  return error.constructor === Error && /tar|header|end of data|premature/i.test(error.message);
}

function damaged(why: string, cause?: unknown): BackupError {
  return new BackupError('backup-damaged', `cannot use the backup: ${why}; use another copy`, { cause });
}
