import { decodeStream, type Assertion } from '../../assertions/index.ts';
import { readMetadataFile, readSharedStreams } from '../../bundles/index.ts';
import type { ImportInput } from '../../workflows/import-contract.ts';
import { STREAM_LIMITS, type ImportContent } from './content.ts';

/**
 * The store assertions that a file with a head brings, as far as a plan needs them: where one of its stores is a sub-store. Nobody has
 * verified them: they are good for refusing what a push would refuse, and for nothing else.
 * @throws BundleError, AssertionError
 */
export async function claimedStores(
  input: ImportInput,
  content: ImportContent,
): Promise<readonly Assertion[]> {
  if (content.stores.every(({ parent }) => parent === undefined)) return [];
  const streams = await sharedStreamsOf(input);
  return streams.flatMap((stream) =>
    decodeStream(stream, STREAM_LIMITS).filter(({ type }) => type === 'store'),
  );
}

async function sharedStreamsOf({ kind, path }: ImportInput): Promise<readonly string[]> {
  if (kind !== 'store-metadata') return readSharedStreams(path);
  return [...(await readMetadataFile(path)).members.values()];
}
