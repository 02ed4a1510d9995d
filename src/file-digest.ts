import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/**
 * SHA3-384 (hex) and size in bytes of a file, read as a stream.
 *
 * @param options `onBytes` is told how many bytes were read until then
 * @throws Error of the system; what `signal` was aborted with
 */
export async function fileDigest(
  path: string,
  {
    signal,
    onBytes,
  }: {
    readonly signal?: AbortSignal | undefined;
    readonly onBytes?: ((bytes: number) => void) | undefined;
  } = {},
): Promise<{ readonly digest: string; readonly size: number }> {
  const hash = createHash('sha3-384');
  let size = 0;
  const stream: AsyncIterable<Buffer> = createReadStream(path, {
    highWaterMark: 1024 * 1024,
    ...(signal && { signal }),
  });
  for await (const bytes of stream) {
    hash.update(bytes);
    size += bytes.byteLength;
    onBytes?.(size);
  }
  return { digest: hash.digest('hex'), size };
}
