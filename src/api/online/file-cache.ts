import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseBlobDigest, type BlobStore, type FileBlobStore, type StoredBlob } from '../../storage/index.ts';

/** Files of the upstream by their digest, up to so many bytes; those that nobody asked for longest go first. */
export class FileCache {
  readonly #blobs: FileBlobStore;
  readonly #limit: () => Promise<number>;
  readonly #filling = new Set<string>();

  /** @param limit bytes, asked each time that a file comes in */
  constructor(blobs: FileBlobStore, limit: () => Promise<number>) {
    this.#blobs = blobs;
    this.#limit = limit;
  }

  /** The blobs that are kept, for those who send them. */
  get blobs(): BlobStore {
    return this.#blobs;
  }

  /** A kept file; asking for it keeps it longer. */
  async find(digest: string): Promise<StoredBlob | undefined> {
    const blob = await this.#blobs.find(parseBlobDigest(digest));
    if (blob === undefined) return undefined;
    const now = new Date();
    await utimes(this.#blobs.pathOf(blob.digest), now, now).catch(() => undefined);
    return blob;
  }

  /**
   * The same bytes, kept as they pass when their digest is the right one. A second reader of a file that is just coming in gets
   * its bytes and keeps nothing; a reader that goes away ends the keeping.
   */
  passing(digest: string, body: Readable, report: (error: unknown) => void): Readable {
    if (this.#filling.has(digest)) return body;
    this.#filling.add(digest);
    const file = join(this.#blobs.stagingFolder, `cache-${randomUUID()}`);
    const hash = createHash('sha3-384');
    const writer = createWriteStream(file, { mode: 0o600 });
    const tap = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        if (writer.write(chunk)) done(null, chunk);
        else writer.once('drain', () => done(null, chunk));
      },
      flush(done) {
        writer.end(() => done());
      },
    });
    const keep = async () => {
      try {
        await pipeline(body, tap);
        if (hash.digest('hex') === digest) {
          await this.#blobs.adopt(file, parseBlobDigest(digest));
          await this.#makeRoom();
        }
      } finally {
        writer.destroy();
        await rm(file, { force: true });
        this.#filling.delete(digest);
      }
    };
    keep().catch(report);
    return tap;
  }

  async #makeRoom(): Promise<void> {
    const limit = await this.#limit();
    const kept: (StoredBlob & { readonly used: number })[] = [];
    for await (const blob of this.#blobs.list())
      kept.push({ ...blob, used: (await stat(this.#blobs.pathOf(blob.digest))).mtimeMs });
    let total = kept.reduce((sum, { size }) => sum + size, 0);
    for (const blob of kept.toSorted((one, other) => one.used - other.used)) {
      if (total <= limit) return;
      await this.#blobs.remove(blob.digest);
      total -= blob.size;
    }
  }
}
