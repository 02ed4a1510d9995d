import { createHash } from 'node:crypto';

import type { BundleHead } from '../bundles/index.ts';

/** An archive, every byte of which is what its signed manifest says. */
export interface VerifiedArchive {
  readonly head: BundleHead;
  readonly members: readonly { readonly name: string; readonly size: number }[];
}

/**
 * Reads an exported archive whole: the exporter's signature over the manifest, and the digest of every member.
 *
 * @throws BundleError that names what is wrong
 */
export async function verifyArchive(file: string, signal: AbortSignal): Promise<VerifiedArchive> {
  const { digestWrong, readBundle } = await import('../bundles/index.ts');
  const members: { name: string; size: number }[] = [];
  const head = await readBundle(
    file,
    {
      async member({ listed, chunks }) {
        const hash = createHash('sha3-384');
        for await (const { bytes, release } of chunks) {
          hash.update(bytes);
          release();
        }
        if (hash.digest('hex') !== listed.digest) throw digestWrong(listed.name);
        members.push({ name: listed.name, size: listed.size });
      },
    },
    { signal },
  );
  return { head, members };
}
