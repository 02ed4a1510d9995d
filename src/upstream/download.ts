import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { sentenceOf } from '../errors.ts';
import { UpstreamError } from './errors.ts';
import type { StoreClient } from './store-client.ts';

/** A file to download. */
export interface Download {
  readonly url: string;
  /** SHA3-384, hexadecimal. */
  readonly digest: string;
  readonly size: number;
  /** Where the finished file goes; what is under way has `.part` behind its name. */
  readonly path: string;
}

/**
 * Downloads a file and checks its digest as it streams in. What an interrupted run left is hashed again and gone on with; a file
 * that does not have its digest never gets its name.
 * @throws UpstreamError `download-corrupt`, `upstream-unreachable`
 */
export async function download(
  client: StoreClient,
  wanted: Download,
  options: { readonly signal: AbortSignal; readonly onBytes?: (total: number) => void },
): Promise<void> {
  const partial = `${wanted.path}.part`;
  if ((await sizeOf(wanted.path)) === wanted.size) return;
  let { hash, size } = await hashOf(partial, wanted.size);
  if (size < wanted.size) {
    const source = await client.open(wanted.url, size, options.signal);
    if (source.offset !== size) [hash, size] = [createHash('sha3-384'), 0];
    size = await append(partial, source.body, { hash, size, wanted }, options);
  }
  if (size !== wanted.size)
    throw new UpstreamError(
      'upstream-unreachable',
      `cannot finish ${wanted.url}: the connection ended after ${size} of ${wanted.size} bytes`,
    );
  if (hash.digest('hex') !== wanted.digest) {
    await rm(partial, { force: true });
    throw corrupt(wanted);
  }
  await rename(partial, wanted.path);
}

async function append(
  path: string,
  body: AsyncIterable<Uint8Array>,
  state: { readonly hash: Hash; size: number; readonly wanted: Download },
  options: { readonly signal: AbortSignal; readonly onBytes?: (total: number) => void },
): Promise<number> {
  const file = await open(path, state.size === 0 ? 'w' : 'r+', 0o600);
  try {
    for await (const chunk of body) {
      if (state.size + chunk.byteLength > state.wanted.size) throw corrupt(state.wanted);
      const writing = file.write(chunk, 0, chunk.byteLength, state.size);
      state.hash.update(chunk);
      await writing;
      state.size += chunk.byteLength;
      options.onBytes?.(state.size);
    }
    await file.datasync();
    return state.size;
  } catch (cause) {
    if (cause instanceof UpstreamError) {
      await rm(path, { force: true });
      throw cause;
    }
    options.signal.throwIfAborted();
    throw new UpstreamError(
      'upstream-unreachable',
      `cannot go on with ${state.wanted.url}: the connection broke after ${state.size} bytes (${sentenceOf(cause)})`,
      cause,
    );
  } finally {
    await file.close();
  }
}

/** The digest so far of what is there already; nothing when there is too much of it. */
async function hashOf(path: string, limit: number): Promise<{ hash: Hash; size: number }> {
  const hash = createHash('sha3-384');
  const present = await sizeOf(path);
  if (present === undefined) return { hash, size: 0 };
  if (present > limit) {
    await rm(path, { force: true });
    return { hash, size: 0 };
  }
  let size = 0;
  const stream: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: 2 ** 20 });
  for await (const bytes of stream) {
    hash.update(bytes);
    size += bytes.byteLength;
  }
  return { hash, size };
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

function corrupt(wanted: Download): UpstreamError {
  return new UpstreamError(
    'download-corrupt',
    `cannot use ${wanted.url}: its bytes are not those that the store announced (SHA3-384 differs); it is downloaded again`,
  );
}
