/**
 * Reads a stream of bytes to its end, and stops as soon as it is longer than allowed.
 * @param stream the body of a request or answer; none is empty
 * @throws what `tooLong` makes, when there are more than `limit` bytes
 */
export async function limitedBytes(
  stream: AsyncIterable<Uint8Array> | null | undefined,
  limit: number,
  tooLong: () => Error,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream ?? []) {
    size += chunk.length;
    if (size > limit) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
