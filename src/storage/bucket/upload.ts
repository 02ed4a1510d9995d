import { open, type FileHandle } from 'node:fs/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
  type CompletedPart,
  type S3Client,
} from '@aws-sdk/client-s3';

/** A file up to this size goes in one request, a larger one in parts of it. */
const PART_BYTES = 8 * 2 ** 20;
/** The protocol's own limit. */
const PARTS_MAX = 10_000;

/** Lets so many pieces of work run at a time, over all who share it: what bounds the memory that uploads take. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(free: number) {
    this.#free = free;
  }

  /** Does the work as soon as there is a slot. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}

/**
 * Sends a file to a key. Every request is signed with the SHA-256 of what it carries, so that the server refuses bytes that
 * changed on the way; the object can be seen once all of it is there.
 */
export async function uploadFile(
  client: S3Client,
  target: { readonly Bucket: string; readonly Key: string },
  path: string,
  slots: Slots,
): Promise<void> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size > PART_BYTES) return await uploadParts(client, target, file, size, slots);
    await slots.use(async () => {
      const Body = await bytesAt(file, 0, size);
      await client.send(new PutObjectCommand({ ...target, Body, ContentLength: size }));
    });
  } finally {
    await file.close();
  }
}

async function uploadParts(
  client: S3Client,
  target: { readonly Bucket: string; readonly Key: string },
  file: FileHandle,
  size: number,
  slots: Slots,
): Promise<void> {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
  const partBytes = Math.max(PART_BYTES, Math.ceil(size / PARTS_MAX));
  const broken = new AbortController();
  const send = (PartNumber: number): Promise<CompletedPart> =>
    slots.use(async () => {
      broken.signal.throwIfAborted();
      const start = (PartNumber - 1) * partBytes;
      const Body = await bytesAt(file, start, Math.min(partBytes, size - start));
      const command = new UploadPartCommand({ ...target, UploadId, PartNumber, Body });
      const { ETag } = await client.send(command, { abortSignal: broken.signal });
      return { PartNumber, ETag };
    });
  const numbers = Array.from({ length: Math.ceil(size / partBytes) }, (_, index) => index + 1);
  const sent = numbers.map(send);
  try {
    const Parts = await Promise.all(sent);
    await client.send(
      new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }),
    );
  } catch (error) {
    broken.abort();
    await Promise.allSettled(sent);
    // What is left when this fails too is found by the sweep of unfinished uploads.
    await client.send(new AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => undefined);
    throw error;
  }
}

async function bytesAt(file: FileHandle, start: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, start + done);
    if (bytesRead === 0) throw new TypeError('internal error: a staged file became shorter');
    done += bytesRead;
  }
  return bytes;
}
