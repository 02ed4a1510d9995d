import { open, type FileHandle } from 'node:fs/promises';
import type { Writable } from 'node:stream';

/** What is read ahead of who takes it: enough that a disk keeps up with one device, little enough for hundreds at once. */
const PIECE_BYTES = 256 * 1024;

/**
 * Sends bytes of a file to a socket or an answer, ends that, and closes the file. One piece is read while the other is on its way,
 * always into the same two pieces of memory: a stream makes new ones all the time, and to free those costs more of the processor than
 * to read and send them.
 * @param span first and last byte, inclusive
 * @throws Error the file ended early, or who takes it went away
 */
export async function sendFile(
  file: FileHandle,
  { start, end }: { readonly start: number; readonly end: number },
  to: Writable,
): Promise<void> {
  const writes = new Writes(to);
  let [piece, other] = [Buffer.allocUnsafeSlow(PIECE_BYTES), Buffer.allocUnsafeSlow(PIECE_BYTES)];
  let sent: Promise<void> = Promise.resolve();
  try {
    for (let position = start; position <= end;) {
      const { bytesRead } = await file.read(piece, 0, Math.min(PIECE_BYTES, end + 1 - position), position);
      if (bytesRead === 0) throw new Error(`a file ended at ${position}, which had ${end + 1} bytes`);
      position += bytesRead;
      await sent;
      sent = writes.write(piece.subarray(0, bytesRead));
      [piece, other] = [other, piece];
    }
    await sent;
    to.end();
  } catch (error) {
    to.destroy();
    throw error;
  } finally {
    await file.close();
  }
}

/** Opens bytes of a file for who only sends them on: `open` is told when it is gone, `sendFile` does the rest. */
export async function fileSender(
  path: string,
  span: { readonly start: number; readonly end: number },
): Promise<(to: Writable) => Promise<void>> {
  const file = await open(path, 'r');
  return (to) => sendFile(file, span, to);
}

/** One write after the other, each of which ends: a socket that closes forgets those that wait for it. */
class Writes {
  readonly #to: Writable;
  #fail: (error: Error) => void = () => undefined;

  constructor(to: Writable) {
    this.#to = to;
    to.on('error', (error) => this.#fail(error));
    to.on('close', () => this.#fail(goneAway()));
  }

  /** Ends when the bytes may be overwritten; nothing need wait for that before the next read does. */
  write(bytes: Uint8Array): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => undefined);
    this.#fail = reject;
    if (this.#to.destroyed) reject(goneAway());
    else this.#to.write(bytes, (error) => (error ? reject(error) : resolve()));
    return promise;
  }
}

function goneAway(): Error {
  return Object.assign(new Error('who takes the file went away'), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
}
