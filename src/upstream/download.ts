import { rename, rm, stat } from 'node:fs/promises';
import {
  CachedWriting,
  InFlight,
  digestingSlots,
  slotsOf,
  slotsOfCachedFile,
  type Digester,
  type DigestStream,
  type Slots,
} from '../bundles/index.ts';
import { sentenceOf } from '../errors.ts';
import { UpstreamError } from './errors.ts';
import type { StoreClient } from './store-client.ts';

/** Memory of one download, of which several run at a time. */
const SLOTS = 8;
const SLOT_BYTES = 2 ** 18;

/** A file to download. */
export interface Download {
  readonly url: string;
  /** SHA3-384, hexadecimal. */
  readonly digest: string;
  readonly size: number;
  /** Where the finished file goes; what is under way has `.part` behind its name. */
  readonly path: string;
}

/** How to stop, and who wants to know how far it is. */
export interface DownloadOptions {
  readonly signal: AbortSignal;
  readonly onBytes?: (total: number) => void;
}

/**
 * Downloads a file and checks its digest as it streams in. What an interrupted run left is hashed again and gone on with; a file
 * that does not have its digest never gets its name. The disk is not waited for: what a power cut takes is downloaded again.
 * @throws UpstreamError `download-corrupt`, `upstream-unreachable`
 */
export async function download(
  client: StoreClient,
  wanted: Download,
  options: DownloadOptions,
): Promise<void> {
  const digesting = digestingSlots(SLOTS, SLOT_BYTES, wanted.size);
  try {
    await downloadWith({ client, wanted, options, ...digesting });
  } finally {
    await digesting.close();
  }
}

interface Running {
  readonly client: StoreClient;
  readonly wanted: Download;
  readonly options: DownloadOptions;
  readonly slots: Slots;
  readonly digester: Digester;
}

async function downloadWith(running: Running): Promise<void> {
  const { client, wanted, options, digester } = running;
  const partial = `${wanted.path}.part`;
  // Whole, by an earlier run; whether it still is, its digest tells.
  if ((await sizeOf(wanted.path)) === wanted.size) await rename(wanted.path, partial);
  let stream = digester.begin(wanted.size);
  let size = await digestPresent(partial, stream, running);
  if (size < wanted.size) {
    const source = await client.open({ url: wanted.url, offset: size, size: wanted.size }, options.signal);
    if (source.offset !== size) {
      await stream.digest();
      [stream, size] = [digester.begin(wanted.size), 0];
    }
    size = await append(partial, source.body, { stream, size }, running);
  }
  if (size !== wanted.size)
    throw new UpstreamError(
      'upstream-unreachable',
      `cannot finish ${wanted.url}: the connection ended after ${size} of ${wanted.size} bytes`,
    );
  if ((await stream.digest()) !== wanted.digest) {
    await rm(partial, { force: true });
    throw corrupt(wanted);
  }
  await rename(partial, wanted.path);
}

async function append(
  path: string,
  body: AsyncIterable<Uint8Array>,
  from: { readonly stream: DigestStream; readonly size: number },
  { wanted, options, slots }: Running,
): Promise<number> {
  const file = await CachedWriting.open(path, { mode: 0o600, position: from.size });
  const uses = new InFlight();
  let { size } = from;
  try {
    for await (const chunk of slotsOf(body, slots)) {
      size += chunk.bytes.byteLength;
      if (size > wanted.size) throw corrupt(wanted);
      uses.follow(chunk, from.stream.update(chunk.bytes), file.write(chunk.bytes));
      uses.throwFailure();
      options.onBytes?.(size);
    }
    await file.written();
    return size;
  } catch (cause) {
    if (cause instanceof UpstreamError) {
      await rm(path, { force: true });
      throw cause;
    }
    options.signal.throwIfAborted();
    throw new UpstreamError(
      'upstream-unreachable',
      `cannot go on with ${wanted.url}: the connection broke after ${size} bytes (${sentenceOf(cause)})`,
      cause,
    );
  } finally {
    await file.close();
  }
}

/** Digests what is there already, and returns how much it is; nothing when it is too much. */
async function digestPresent(
  path: string,
  stream: DigestStream,
  { wanted, slots }: Running,
): Promise<number> {
  const present = (await sizeOf(path)) ?? 0;
  if (present > wanted.size) await rm(path, { force: true });
  if (present === 0 || present > wanted.size) return 0;
  const uses = new InFlight();
  let size = 0;
  for await (const chunk of slotsOfCachedFile(path, slots)) {
    size += chunk.bytes.byteLength;
    uses.follow(chunk, stream.update(chunk.bytes));
    uses.throwFailure();
  }
  return size;
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
