import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import {
  digestOfFile,
  isBlobDigest,
  type BlobDigest,
  type BlobPart,
  type BlobSender,
  type BlobStore,
  type StoredBlob,
} from '../blob-store.ts';
import { findEach } from '../file-blob-store.ts';
import { BucketError, bucketError, isNotFound, statusOf } from './errors.ts';
import type { BucketPlace } from './place.ts';
import { Slots, uploadFile } from './upload.ts';

/** Parts of files that are on their way at a time, in the whole process: 8 MiB of memory each. */
const PARTS_AT_ONCE = 6;
const LOOK_UPS = 16;
/** A download holds its connection for as long as the device takes. */
const CONNECTIONS = 1000;
const CONNECT_MS = 5_000;
/** A connection on which nothing moves for so long is given up. */
const IDLE_MS = 60_000;
/** For so long a bucket that answered is taken to be there. */
const SEEN_MS = 60_000;

/** Blobs as objects of a bucket, under the same names as in a folder: two digits, a slash, the digest. */
export class BucketBlobStore implements BlobStore {
  readonly place: BucketPlace;
  readonly stagingFolder: string;
  readonly #client: S3Client;
  readonly #slots = new Slots(PARTS_AT_ONCE);
  #seen = 0;

  /** Nothing is asked of the bucket yet. */
  constructor(place: BucketPlace, stagingFolder: string) {
    this.place = place;
    this.stagingFolder = stagingFolder;
    const { accessKeyId, secretAccessKey } = place;
    this.#client = new S3Client({
      region: place.region,
      ...(place.endpoint !== undefined && { endpoint: place.endpoint }),
      forcePathStyle: place.pathStyle,
      credentials: { accessKeyId, secretAccessKey },
      // Older servers know no checksums but the one in the signature, which is always there.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      maxAttempts: 3,
      requestHandler: {
        connectionTimeout: CONNECT_MS,
        socketTimeout: IDLE_MS,
        httpAgent: { keepAlive: true, maxSockets: CONNECTIONS },
        httpsAgent: { keepAlive: true, maxSockets: CONNECTIONS },
      },
    });
  }

  /** @throws BucketError unless the bucket answers to our key */
  async check(): Promise<void> {
    await this.#ask(() => this.#client.send(new ListObjectsV2Command({ ...this.#bucket, MaxKeys: 1 })));
    this.#seen = performance.now();
  }

  async find(digest: BlobDigest): Promise<StoredBlob | undefined> {
    try {
      const head = await this.#client.send(new HeadObjectCommand(this.#target(digest)));
      return { digest, size: head.ContentLength ?? 0, place: 'bucket' };
    } catch (error) {
      // An answer to HEAD has no body: whether it is the bucket that is missing or closed, another question tells.
      const status = statusOf(error);
      if (status === 403 || (status === 404 && !this.#seenLately())) await this.check();
      if (isNotFound(error)) return undefined;
      throw bucketError(error, this.place);
    }
  }

  findAll(digests: Iterable<BlobDigest>): Promise<ReadonlyMap<BlobDigest, StoredBlob>> {
    return findEach(digests, (digest) => this.find(digest), LOOK_UPS);
  }

  async open({ digest, size }: StoredBlob, { start = 0, end }: BlobPart = {}): Promise<Readable> {
    // No range of an empty object can be satisfied.
    const whole = size === 0 || (start === 0 && end === undefined);
    const range = whole ? {} : { Range: `bytes=${start}-${end ?? ''}` };
    const { Body } = await this.#ask(() =>
      this.#client.send(new GetObjectCommand({ ...this.#target(digest), ...range })),
    );
    if (Body instanceof Readable) return Body;
    throw new TypeError('internal error: an object that is no stream');
  }

  async sender(blob: StoredBlob, part?: BlobPart): Promise<BlobSender> {
    const body = await this.open(blob, part);
    return (to) => pipeline(body, to);
  }

  /** The file is a copy, checked against its digest, that goes away afterwards. */
  async withFile<T>(blob: StoredBlob, use: (path: string) => Promise<T>): Promise<T> {
    const copy = join(this.stagingFolder, `copy-${randomUUID()}`);
    try {
      await pipeline(await this.open(blob), createWriteStream(copy, { mode: 0o600 }));
      await requireDigest(copy, blob.digest, this.place);
      return await use(copy);
    } finally {
      await rm(copy, { force: true });
    }
  }

  async adopt(file: string, digest: BlobDigest): Promise<StoredBlob> {
    const stored = (await this.find(digest)) ?? (await this.copyIn(file, digest));
    await rm(file, { force: true });
    return stored;
  }

  /** Takes the bytes of a file in, whatever is there, and leaves the file where it is. */
  async copyIn(file: string, digest: BlobDigest): Promise<StoredBlob> {
    await this.#ask(() => uploadFile(this.#client, this.#target(digest), file, this.#slots));
    const stored = await this.find(digest);
    if (stored?.size === (await stat(file)).size) return stored;
    throw damaged(digest, this.place);
  }

  async remove(digest: BlobDigest): Promise<void> {
    await this.#ask(() => this.#client.send(new DeleteObjectCommand(this.#target(digest))));
  }

  async *list(): AsyncIterable<StoredBlob> {
    const pages = paginateListObjectsV2({ client: this.#client }, this.#bucket)[Symbol.asyncIterator]();
    for (;;) {
      const page = await this.#ask(() => pages.next());
      if (page.done) return;
      for (const { Key = '', Size = 0 } of page.value.Contents ?? []) {
        const digest = digestOfKey(Key);
        if (digest !== undefined) yield { digest, size: Size, place: 'bucket' };
      }
    }
  }

  async discardUnfinished(before: Date): Promise<number> {
    const old: { readonly Key: string; readonly UploadId: string }[] = [];
    let from: { readonly KeyMarker?: string; readonly UploadIdMarker?: string } | undefined = {};
    while (from !== undefined) {
      const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
        ...this.#bucket,
        ...from,
      });
      const page = await this.#ask(() => this.#client.send(command));
      for (const { Key = '', UploadId = '', Initiated } of page.Uploads ?? [])
        if (digestOfKey(Key) !== undefined && Initiated !== undefined && Initiated < before)
          old.push({ Key, UploadId });
      from =
        page.IsTruncated && page.NextKeyMarker !== undefined
          ? {
              KeyMarker: page.NextKeyMarker,
              ...(page.NextUploadIdMarker && { UploadIdMarker: page.NextUploadIdMarker }),
            }
          : undefined;
    }
    for (const upload of old)
      await this.#ask(() =>
        this.#client.send(new AbortMultipartUploadCommand({ ...this.#bucket, ...upload })),
      );
    return old.length;
  }

  /** An address at which whoever has it may ask for the blob by `method` during so many seconds. */
  async presigned(
    digest: BlobDigest,
    {
      method,
      seconds,
      fileName,
    }: { readonly method: 'GET' | 'HEAD'; readonly seconds: number; readonly fileName: string },
  ): Promise<string> {
    const named = {
      ...this.#target(digest),
      ResponseContentDisposition: `attachment; filename="${fileName}"`,
    };
    const command = method === 'HEAD' ? new HeadObjectCommand(named) : new GetObjectCommand(named);
    return getSignedUrl(this.#client, command, { expiresIn: seconds });
  }

  get #bucket(): { readonly Bucket: string } {
    return { Bucket: this.place.bucket };
  }

  #target(digest: BlobDigest): { readonly Bucket: string; readonly Key: string } {
    return { ...this.#bucket, Key: `${digest.slice(0, 2)}/${digest}` };
  }

  #seenLately(): boolean {
    return this.#seen > 0 && performance.now() - this.#seen < SEEN_MS;
  }

  /** Asks, and says in words what went wrong. */
  async #ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      throw bucketError(error, this.place);
    }
  }
}

function digestOfKey(key: string): BlobDigest | undefined {
  const digest = key.slice(3);
  return isBlobDigest(digest) && key.startsWith(`${digest.slice(0, 2)}/`) ? digest : undefined;
}

async function requireDigest(path: string, digest: BlobDigest, place: BucketPlace): Promise<void> {
  if ((await digestOfFile(path)).digest !== digest) throw damaged(digest, place);
}

function damaged(digest: BlobDigest, { bucket }: BucketPlace): BucketError {
  return new BucketError(
    'bucket-file-damaged',
    `cannot use the file with SHA3-384 ${digest}: what the bucket ${bucket} holds are not its bytes; push or upload that snap again`,
  );
}
