import { randomUUID } from 'node:crypto';
import { rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { parseBlobDigest, type BlobStore, type FileBlobStore, type StoredBlob } from '../../storage/index.ts';
import { Arrival } from './arrival.ts';

/** A right to fetch a file. Whoever has it must use it or give it back. */
export interface Reservation {
  /** Takes the file in; the caller reads it from what is returned, and so do all others who asked meanwhile. */
  fill(body: Readable, length: number | undefined, report: (error: unknown) => void): Promise<Arrival>;
  release(): void;
}

/** Files of the upstream by their digest, up to so many bytes; those that nobody asked for longest go first. */
export class FileCache {
  readonly #blobs: FileBlobStore;
  readonly #limit: () => Promise<number>;
  readonly #arrivals = new Map<string, Promise<Arrival | undefined>>();

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

  /** The file, when somebody has asked for it already and it is not whole yet; resolves to nothing when it does not come. */
  arriving(digest: string): Promise<Arrival | undefined> | undefined {
    return this.#arrivals.get(digest);
  }

  /** The right to fetch a file for all who want it; undefined when another has it. */
  reserve(digest: string): Reservation | undefined {
    if (this.#arrivals.has(digest)) return undefined;
    const { promise, resolve } = Promise.withResolvers<Arrival | undefined>();
    this.#arrivals.set(digest, promise);
    const release = () => {
      this.#arrivals.delete(digest);
      resolve(undefined);
    };
    const fill = async (body: Readable, length: number | undefined, report: (error: unknown) => void) => {
      const arrival = new Arrival(join(this.#blobs.stagingFolder, `cache-${randomUUID()}`), body, length);
      await writeFile(arrival.path, '', { mode: 0o600 });
      resolve(arrival);
      this.#keep(digest, arrival).finally(release).catch(report);
      return arrival;
    };
    return { fill, release };
  }

  /** Keeps a file when its digest is the right one. */
  async #keep(digest: string, arrival: Arrival): Promise<void> {
    try {
      if ((await arrival.takeIn()) !== digest) return;
      await this.#blobs.adopt(arrival.path, parseBlobDigest(digest));
      await this.#makeRoom();
    } finally {
      await rm(arrival.path, { force: true });
    }
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
