import { connect, type Socket } from 'node:net';

/** What one read brings at most. */
const READ_BYTES = 2 ** 18;
/** A connection that brings nothing for so long is broken. */
const SILENCE_MS = 300_000;

/** A connection to a web server that is read piece by piece, always into the same memory. */
export class SocketReads {
  readonly #socket: Socket;
  readonly #signal: AbortSignal;
  readonly #memory = Buffer.allocUnsafeSlow(READ_BYTES);
  #filled = 0;
  #ended = false;
  #failure: Error | undefined;
  #wake: () => void = () => undefined;
  readonly #stop = (): void => void this.#socket.destroy(new Error('it was stopped'));

  /** Connects to the host of an address, without TLS. */
  constructor(url: URL, signal: AbortSignal) {
    this.#signal = signal;
    this.#socket = connect({
      host: url.hostname.replaceAll(/[[\]]/g, ''),
      port: Number(url.port || 80),
      onread: { buffer: this.#memory, callback: (count) => this.#take(count) },
    });
    this.#socket.setTimeout(SILENCE_MS, () => this.#socket.destroy(new Error('it fell silent')));
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('end', () => this.#end());
    this.#socket.on('close', () => this.#end());
    signal.addEventListener('abort', this.#stop);
    if (signal.aborted) this.#stop();
  }

  /** Sends text. */
  write(text: string): void {
    this.#socket.write(text);
  }

  /**
   * The next piece, good until the next call; undefined at the end.
   * @throws Error the connection broke, or the signal was given
   */
  async next(): Promise<Buffer | undefined> {
    if (this.#filled === 0 && !this.#ended) {
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      this.#socket.resume();
      await woken;
    }
    if (this.#filled > 0) {
      const piece = this.#memory.subarray(0, this.#filled);
      this.#filled = 0;
      return piece;
    }
    if (this.#failure !== undefined) throw this.#failure;
    return undefined;
  }

  /** Ends the connection. */
  close(): void {
    this.#signal.removeEventListener('abort', this.#stop);
    this.#socket.destroy();
  }

  /** @returns that nothing more may be read until this was used */
  #take(count: number): false {
    this.#filled = count;
    this.#wake();
    return false;
  }

  #end(failure?: Error): void {
    this.#ended = true;
    this.#failure ??= failure;
    this.#wake();
  }
}
