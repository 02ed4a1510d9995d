import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';

const CHUNK = 256 * 1024;

/**
 * A file that comes in once, for all who ask for it meanwhile: each reads what is there already and then goes on as it comes, as
 * quickly as it can itself. When the last of them goes away before the end, it comes no further.
 */
export class Arrival {
  readonly path: string;
  /** Bytes that were announced. */
  readonly length: number | undefined;
  readonly #body: Readable;
  #written = 0;
  #end: 'coming' | 'whole' | 'broken' = 'coming';
  #readers = 0;
  #news = Promise.withResolvers<void>();

  constructor(path: string, body: Readable, length: number | undefined) {
    this.path = path;
    this.length = length;
    this.#body = body;
  }

  /** Takes the whole body in. Resolves to its SHA3-384 in hex; rejects when it breaks off, or nobody wants it any more. */
  async takeIn(): Promise<string> {
    const hash = createHash('sha3-384');
    const file = await open(this.path, 'w', 0o600);
    try {
      const chunks: AsyncIterable<Buffer> = this.#body;
      for await (const chunk of chunks) {
        hash.update(chunk);
        await file.writeFile(chunk);
        this.#written += chunk.byteLength;
        this.#tell();
      }
      this.#end = 'whole';
    } catch (error) {
      this.#end = 'broken';
      throw error;
    } finally {
      await file.close();
      this.#tell();
    }
    return hash.digest('hex');
  }

  /** The bytes from the beginning on. Undefined when the file is not in its place any more. */
  async read(): Promise<Readable | undefined> {
    this.#readers += 1;
    const file = await open(this.path, 'r').catch(() => undefined);
    if (file === undefined) {
      this.#leave();
      return undefined;
    }
    return this.#reader(file);
  }

  /** No generator: one that waits for bytes cannot be ended from outside, and who leaves must be noticed at once. */
  #reader(file: FileHandle): Readable {
    let at = 0;
    const give = async () => {
      for (;;) {
        const news = this.#news.promise;
        if (reader.destroyed) return;
        if (at < this.#written) {
          const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, at);
          at += bytesRead;
          reader.push(buffer.subarray(0, bytesRead));
          return;
        }
        if (this.#end === 'whole') {
          reader.push(null);
          return;
        }
        if (this.#end === 'broken') throw new Error('the upstream broke off');
        await news;
      }
    };
    const reader = new Readable({
      highWaterMark: CHUNK,
      read: () => void give().catch((error: unknown) => reader.destroy(asError(error))),
      destroy: (error, done) => {
        this.#leave();
        done(error);
      },
    });
    return reader.on('close', () => {
      void file.close().catch(() => undefined);
    });
  }

  #leave(): void {
    this.#readers -= 1;
    if (this.#readers === 0 && this.#end === 'coming')
      this.#body.destroy(new Error('nobody reads it any more'));
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
