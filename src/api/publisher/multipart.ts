import { AirlockError } from '../../errors.ts';

const MAX_PART_HEAD_BYTES = 8 * 1024;
const BOUNDARY = /^multipart\/form-data\s*;.*\bboundary="?([^";]{1,70})"?/i;
const FIELD = /\bname="([^"]*)"/i;
const FILE = /\bfilename="([^"]*)"/i;

/** One file of a form, read as a stream: snap files are larger than what memory should hold. */
export interface MultipartFile {
  readonly fileName: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/**
 * Finds the file in the first part of a multipart form, as craft-store sends it: one part, named `field`.
 *
 * @throws AirlockError `invalid-field` for any other body; the stream throws it for one that ends early
 */
export async function multipartFile(request: Request, field: string): Promise<MultipartFile> {
  const boundary = BOUNDARY.exec(request.headers.get('content-type') ?? '')?.[1];
  if (boundary === undefined || !request.body) throw malformed('it is no multipart form');
  const reader = new Buffered(request.body);
  const head = await reader.until(Buffer.from('\r\n\r\n'), MAX_PART_HEAD_BYTES);
  const text = head.toString('utf8');
  if (!text.startsWith(`--${boundary}\r\n`)) throw malformed('it does not begin with its boundary');
  const fileName = FILE.exec(text)?.[1];
  if (FIELD.exec(text)?.[1] !== field || fileName === undefined)
    throw malformed(`its first part is not the file "${field}"`);
  return { fileName, bytes: reader.upTo(Buffer.from(`\r\n--${boundary}`)) };
}

/** Bytes of a stream, looked at across the borders of its chunks. */
class Buffered {
  readonly #source: AsyncIterator<Uint8Array>;
  #held = Buffer.alloc(0);

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#source = stream[Symbol.asyncIterator]();
  }

  /** Everything before a mark, which is dropped. */
  async until(mark: Buffer, limit: number): Promise<Buffer> {
    for (;;) {
      const at = this.#held.indexOf(mark);
      if (at >= 0) {
        const found = this.#held.subarray(0, at);
        this.#held = this.#held.subarray(at + mark.length);
        return found;
      }
      if (this.#held.length > limit || !(await this.#more()))
        throw malformed('its first part has no end of its head');
    }
  }

  /** The bytes before a mark, as they come; what could be the begin of the mark is held back. */
  async *upTo(mark: Buffer): AsyncGenerator<Uint8Array> {
    for (;;) {
      const at = this.#held.indexOf(mark);
      const sure = at >= 0 ? at : Math.max(0, this.#held.length - mark.length + 1);
      if (sure > 0) yield this.#held.subarray(0, sure);
      this.#held = this.#held.subarray(sure);
      if (at >= 0) return;
      if (!(await this.#more())) throw malformed('it ends before the file does');
    }
  }

  async #more(): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done) return false;
    this.#held = this.#held.length === 0 ? Buffer.from(next.value) : Buffer.concat([this.#held, next.value]);
    return true;
  }
}

function malformed(why: string): AirlockError {
  return new AirlockError('invalid', 'invalid-field', `cannot read the upload: ${why}`);
}
