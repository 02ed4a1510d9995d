import { Readable, type Writable } from 'node:stream';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type BlobStore, parseBlobDigest } from '../../storage/index.ts';
import type { HandOver, Report } from './deps.ts';
import { answer, type DeviceContext, JSON_TYPE, notFound, STORE_VERSION } from './http.ts';
import { matchesEtag, rangeApplies, readRange, type ByteRange } from './range.ts';

/** How a file is sent. */
export interface FileOptions {
  readonly contentType: string;
  /** A name for who downloads by hand. */
  readonly fileName: string;
  readonly report: Report;
  readonly handOver?: HandOver | undefined;
}

/**
 * Answers GET or HEAD with a blob: ETag, If-None-Match, Range and If-Range, 206 and 416. The body goes from the store
 * to the socket without passing through web streams, which costs half as much, and is never compressed. A client that
 * goes away closes the file.
 * Throws `resource-not-found` when the blob is not here.
 */
export async function fileAnswer(
  c: DeviceContext,
  blobs: BlobStore,
  digest: string,
  options: FileOptions,
): Promise<Response> {
  const blob = await blobs.find(parseBlobDigest(digest));
  if (blob === undefined) throw notFound('that file');
  const method = c.req.method === 'HEAD' ? 'HEAD' : 'GET';
  const elsewhere = await options.handOver?.(blob, { fileName: options.fileName, method });
  if (elsewhere !== undefined) return handedOver(elsewhere, options.contentType);
  const { size } = blob;
  const file = {
    size,
    etag: `"${digest}"`,
    open: (range: ByteRange) => blobs.open(blob, range),
    sender: (range: ByteRange) => blobs.sender(blob, range),
  };
  return rangedAnswer(c, file, {
    ...options,
    cacheControl: 'private, no-transform, immutable, max-age=31536000',
  });
}

/** A file that never changes, as far as an answer needs it. */
export interface Sendable {
  readonly size: number;
  readonly etag: string;
  /** Its bytes as a stream. */
  open(range: ByteRange): Promise<Readable>;
  /** The same for who only sends them on: cheaper. */
  sender(range: ByteRange): Promise<(to: Writable) => Promise<void>>;
}

/** Answers GET or HEAD with any such file, as {@link fileAnswer} does with a blob. */
export async function rangedAnswer(
  c: DeviceContext,
  file: Sendable,
  options: Omit<FileOptions, 'handOver'> & { readonly cacheControl: string },
): Promise<Response> {
  const { etag, size } = file;
  const common = {
    'snap-store-version': STORE_VERSION,
    'content-type': options.contentType,
    'accept-ranges': 'bytes',
    'cache-control': options.cacheControl,
    etag,
  };
  if (matchesEtag(c.req.header('if-none-match'), etag))
    return new Response(null, { status: 304, headers: common });
  const asked = rangeApplies(c.req.header('if-range'), etag) ? c.req.header('range') : undefined;
  const range = readRange(asked, size);
  if (range === 'unsatisfiable') {
    return answer(416, JSON_TYPE, '{"error-list":[]}', { 'content-range': `bytes */${size}` });
  }
  const { start, end } = range === 'whole' ? { start: 0, end: size - 1 } : range;
  const headers: Record<string, string> = {
    ...common,
    'content-length': String(end - start + 1),
    'content-disposition': `attachment; filename="${options.fileName}"`,
    ...(range !== 'whole' && { 'content-range': `bytes ${start}-${end}/${size}` }),
  };
  const status = range === 'whole' ? 200 : 206;
  // Hono makes a new answer out of one to HEAD, so that one must be whole.
  if (c.req.method === 'HEAD' || size === 0) return new Response(null, { status, headers });
  const { outgoing } = c.env ?? {};
  // Without a server around (tests) there is no socket to write to.
  if (outgoing === undefined)
    return new Response(Readable.toWeb(await file.open({ start, end })), { status, headers });
  const send = await file.sender({ start, end });
  outgoing.writeHead(status, headers);
  // Not awaited: the answer is on its way, and whatever happens now can no longer become another status.
  send(outgoing).catch((error: unknown) => {
    if (!isGoneAway(error)) options.report(error);
  });
  return RESPONSE_ALREADY_SENT;
}

function handedOver(elsewhere: NonNullable<Awaited<ReturnType<HandOver>>>, contentType: string): Response {
  const headers = { 'snap-store-version': STORE_VERSION, 'cache-control': 'no-store' };
  if ('redirect' in elsewhere)
    return new Response(null, { status: 302, headers: { ...headers, location: elsewhere.redirect } });
  const [name, value] = elsewhere.header;
  return new Response(null, {
    status: 200,
    headers: { ...headers, 'content-type': contentType, [name]: value },
  });
}

function isGoneAway(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    ['ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED', 'ECONNRESET', 'EPIPE'].includes(String(error.code))
  );
}
