import type { Readable, Writable } from 'node:stream';
import { AirlockError } from '../errors.ts';
import { fileDigest } from '../file-digest.ts';

/** SHA3-384 in lower-case hex: the only name a blob has. */
export type BlobDigest = string & { readonly blobDigest: unique symbol };

/** @throws AirlockError `blob-digest-malformed` unless `text` is 96 lower-case hex digits */
export function parseBlobDigest(text: string): BlobDigest {
  if (!isBlobDigest(text)) {
    throw new AirlockError(
      'invalid',
      'blob-digest-malformed',
      'cannot use this digest: SHA3-384 is 96 lower-case hex digits',
    );
  }
  return text;
}

/** Whether a text is one, for names that are met in a folder or bucket. */
export function isBlobDigest(text: string): text is BlobDigest {
  return /^[0-9a-f]{96}$/.test(text);
}

/** A blob as it lies in the store. */
export interface StoredBlob {
  readonly digest: BlobDigest;
  /** Bytes. */
  readonly size: number;
  /** Where it lies. */
  readonly place: 'folder' | 'bucket';
}

/** Which bytes of a blob are wanted, all unless told, and how. */
export interface BlobPart {
  /** The first byte, from 0. */
  readonly start?: number;
  /** The last byte, inclusive. */
  readonly end?: number;
  /** How many bytes are read ahead: more for one reader in a hurry, fewer for many at once. */
  readonly aheadBytes?: number;
}

/** Sends the bytes that were opened, ends what takes them, and is to be called once. It throws where that goes away. */
export type BlobSender = (to: Writable) => Promise<void>;

/**
 * Snap files and the like, by the SHA3-384 of what they hold: the same bytes are kept once, and never change. A blob can be
 * seen once it is whole and durable, never before.
 */
export interface BlobStore {
  /** Undefined when there is no such blob. */
  find(digest: BlobDigest): Promise<StoredBlob | undefined>;
  /** Those of many that are there: cheaper than one after the other. */
  findAll(digests: Iterable<BlobDigest>): Promise<ReadonlyMap<BlobDigest, StoredBlob>>;
  /**
   * Bytes of a blob as a stream that has begun: that it is gone, or that the store does not answer, is told before.
   * The caller destroys the stream when the reader goes away.
   */
  open(blob: StoredBlob, part?: BlobPart): Promise<Readable>;
  /** Opens bytes of a blob like {@link open}, for who only sends them on: that is cheaper than a stream. */
  sender(blob: StoredBlob, part?: BlobPart): Promise<BlobSender>;
  /** Where a blob is that lies as a file on this machine; absent where blobs lie elsewhere. It is only read. */
  pathOf?(digest: BlobDigest): string;
  /** Lends the blob as a file, for a program that needs one. The file is there until `use` ends, and is only read. */
  withFile<T>(blob: StoredBlob, use: (path: string) => Promise<T>): Promise<T>;
  /**
   * Takes over a complete file in the staging folder, whose digest the caller computed while writing it; the file is gone
   * afterwards. Bytes that are there already are not kept twice.
   */
  adopt(file: string, digest: BlobDigest): Promise<StoredBlob>;
  /** Removes a blob; no error when it is gone already. */
  remove(digest: BlobDigest): Promise<void>;
  /** Every blob, in no order. */
  list(): AsyncIterable<StoredBlob>;
  /** @throws AirlockError what stands in the way when the store cannot be reached */
  check(): Promise<void>;
  /** Throws away what is left of blobs that were begun before `before` and never became whole; gives how many. */
  discardUnfinished(before: Date): Promise<number>;
  /** A folder on this machine for files on their way in. */
  readonly stagingFolder: string;
}

/** The digest of a file as blobs are named by it, and its size in bytes. */
export async function digestOfFile(
  path: string,
  signal?: AbortSignal,
): Promise<{ digest: BlobDigest; size: number }> {
  const { digest, size } = await fileDigest(path, { signal });
  return { digest: parseBlobDigest(digest), size };
}
