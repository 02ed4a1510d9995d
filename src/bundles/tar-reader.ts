import type { ArchiveBytes } from './archive-bytes.ts';
import { ArchiveFault } from './archive-failures.ts';
import type { Chunk } from './slot-ring.ts';
import { decodePaxRecords, decodeTarHeader, paddingAfter, TAR_BLOCK, type TarHeader } from './tar-header.ts';

/** Bytes of a header for long values: longer than any path, short enough to be held. */
const LONG_HEADER_MAX = 2 ** 20;

/** Walks through a tar archive: headers are read here, and what members hold passes through without a copy. */
export class TarReader {
  readonly #bytes: ArchiveBytes;
  readonly #meter: (bytes: number) => void;
  #globals: ReadonlyMap<string, string> = new Map();
  /** What is left of the member in hand, and the padding behind it. */
  #left = 0;
  #padding = 0;

  /** `meter` is told of all bytes that pass, and throws to end it. */
  constructor(bytes: ArchiveBytes, meter: (bytes: number) => void) {
    this.#bytes = bytes;
    this.#meter = meter;
  }

  /**
   * The next member, with the values of its extended headers; what is left of the one before is passed over.
   * @throws ArchiveFault
   */
  async next(): Promise<TarHeader | undefined> {
    await this.skip();
    let long: Partial<TarHeader> = {};
    for (;;) {
      const block = await this.#exactly(TAR_BLOCK);
      if (block === undefined) return undefined;
      const header = decodeTarHeader(block);
      if (header === undefined) continue;
      switch (header.type) {
        case 'pax-header':
          long = { ...long, ...valuesOf(new Map([...this.#globals, ...(await this.#records(header))])) };
          break;
        case 'pax-global-header':
          this.#globals = await this.#records(header);
          break;
        case 'gnu-long-path':
          long = { ...long, name: untilZero(await this.#longHeader(header)) };
          break;
        case 'gnu-long-link-path':
          await this.#longHeader(header);
          break;
        default: {
          const member = { ...header, ...long };
          const { size } = member;
          [this.#left, this.#padding] = member.type === 'directory' ? [0, 0] : [size, paddingAfter(size)];
          return member;
        }
      }
    }
  }

  /** From one byte on of what the member holds; undefined when all was taken. */
  async take(): Promise<Chunk | undefined> {
    if (this.#left === 0) return undefined;
    const chunk = await this.#take(this.#left);
    this.#left -= chunk.bytes.length;
    return chunk;
  }

  /** Passes over what is left of the member: at one jump where the next header can be found without reading, else by reading. */
  async skip(): Promise<void> {
    const recognise = (bytes: Uint8Array) => isHeader(bytes.subarray(this.#padding));
    if (this.#left > 0 && (await this.#bytes.jump(this.#left, this.#padding + TAR_BLOCK, recognise))) {
      this.#meter(this.#left);
      this.#left = 0;
    }
    for (let rest = this.#left + this.#padding; rest > 0;) {
      const chunk = await this.#take(rest);
      chunk.release();
      rest -= chunk.bytes.length;
    }
    [this.#left, this.#padding] = [0, 0];
  }

  async #take(limit: number): Promise<Chunk> {
    const chunk = await this.#bytes.take(limit);
    if (chunk === undefined) throw new ArchiveFault('truncated');
    this.#meter(chunk.bytes.length);
    return chunk;
  }

  async #records(header: TarHeader): Promise<ReadonlyMap<string, string>> {
    return decodePaxRecords(await this.#longHeader(header));
  }

  async #longHeader({ size }: TarHeader): Promise<Uint8Array> {
    if (size > LONG_HEADER_MAX) throw new ArchiveFault('not-tar');
    const whole = await this.#exactly(size + paddingAfter(size));
    if (whole === undefined) throw new ArchiveFault('truncated');
    return whole.subarray(0, size);
  }

  /** A copy of just so many bytes; undefined when the archive ends before the first. */
  async #exactly(count: number): Promise<Uint8Array | undefined> {
    const whole = new Uint8Array(count);
    for (let at = 0; at < count;) {
      const chunk = await this.#bytes.take(count - at);
      if (chunk === undefined && at === 0) return undefined;
      if (chunk === undefined) throw new ArchiveFault('truncated');
      whole.set(chunk.bytes, at);
      at += chunk.bytes.length;
      chunk.release();
      this.#meter(chunk.bytes.length);
    }
    return whole;
  }
}

function isHeader(block: Uint8Array): boolean {
  try {
    decodeTarHeader(block);
    return true;
  } catch {
    return false;
  }
}

function valuesOf(records: ReadonlyMap<string, string>): Partial<TarHeader> {
  const name = records.get('path');
  const size = records.get('size');
  if (size !== undefined && (!/^[0-9]{1,16}$/.test(size) || !Number.isSafeInteger(Number(size))))
    throw new ArchiveFault('not-tar');
  return { ...(name ? { name } : {}), ...(size ? { size: Number(size) } : {}) };
}

function untilZero(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end === -1 ? bytes : bytes.subarray(0, end)).toString('utf8');
}
