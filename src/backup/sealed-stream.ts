import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import { BackupError } from './errors.ts';

/** Plain bytes of a chunk: each is sealed by itself, so memory stays flat at any size. */
const CHUNK = 256 * 1024;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;

/**
 * Seals a stream in chunks of AES-256-GCM. A chunk's nonce is its number and whether it is the last one, so chunks cannot be
 * exchanged, left out or cut off; the header is bound to the key. A data key seals one stream and no other.
 */
export async function* sealStream(
  plain: AsyncIterable<Uint8Array>,
  dataKey: Uint8Array,
  header: Uint8Array,
): AsyncGenerator<Uint8Array> {
  const key = streamKey(dataKey, header);
  let number = 0;
  for await (const { chunk, last } of evenChunks(plain, CHUNK)) {
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number++, last));
    yield Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()]);
  }
}

/**
 * Opens what {@link sealStream} made; bytes come out only after their chunk was found genuine.
 * @throws BackupError `backup-damaged`
 */
export async function* openStream(
  sealed: AsyncIterable<Uint8Array>,
  dataKey: Uint8Array,
  header: Uint8Array,
): AsyncGenerator<Uint8Array> {
  const key = streamKey(dataKey, header);
  let number = 0;
  for await (const { chunk, last } of evenChunks(sealed, CHUNK + TAG_BYTES)) {
    if (chunk.length < TAG_BYTES) throw damaged();
    const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(number++, last), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAuthTag(chunk.subarray(chunk.length - TAG_BYTES));
    let opened: Buffer;
    try {
      opened = Buffer.concat([
        decipher.update(chunk.subarray(0, chunk.length - TAG_BYTES)),
        decipher.final(),
      ]);
    } catch (cause) {
      throw damaged(cause);
    }
    yield opened;
  }
}

function streamKey(dataKey: Uint8Array, header: Uint8Array): Uint8Array {
  const salt = createHash('sha256').update(header).digest();
  return new Uint8Array(hkdfSync('sha256', dataKey, salt, 'airlock backup stream', 32));
}

function nonceOf(number: number, last: boolean): Uint8Array {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeBigUInt64BE(BigInt(number), 0);
  nonce[NONCE_BYTES - 1] = last ? 1 : 0;
  return nonce;
}

/** The same bytes in pieces of `size`; the last one is shorter, or empty when nothing came, and is marked. */
async function* evenChunks(
  source: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<{ readonly chunk: Uint8Array; readonly last: boolean }> {
  let held = Buffer.allocUnsafe(size);
  let filled = 0;
  for await (const piece of source) {
    for (let at = 0; at < piece.length;) {
      // Full, and more follows: so it is not the last.
      if (filled === size) {
        yield { chunk: held, last: false };
        held = Buffer.allocUnsafe(size);
        filled = 0;
      }
      const take = Math.min(size - filled, piece.length - at);
      held.set(piece.subarray(at, at + take), filled);
      filled += take;
      at += take;
    }
  }
  yield { chunk: held.subarray(0, filled), last: true };
}

function damaged(cause?: unknown): BackupError {
  return new BackupError(
    'backup-damaged',
    'cannot read the backup: it was changed or cut off, so none of it is to be trusted; use another copy',
    { cause },
  );
}
