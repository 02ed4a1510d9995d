/** Components of snaps on the outside host of a transfer: real squashfs files with their assertions and rows. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatTimestamp, hexToSnapSha3, signAssertion } from '../../src/assertions/index.ts';
import { addAssertions, parseBlobDigest } from '../../src/storage/index.ts';
import { packComponent } from '../support/snap-files.ts';
import { AT, snapIdOf, type Outside } from './hosts.ts';

const SIGNED = new Date('2025-01-01T00:00:00Z');

/** A component to publish. */
export interface ComponentWish {
  readonly snap: string;
  readonly name: string;
  readonly revision: number;
  readonly version: string;
  /** Revisions of the snap that it goes with. */
  readonly snapRevisions: readonly number[];
  /** What its component.yaml says, where that is a lie. */
  readonly claims?: { readonly snap?: string; readonly name?: string };
  /** Leaves the assertion out that says which revisions it goes with. */
  readonly unpaired?: true;
}

/** Publishes it; returns the digest of its file. */
export async function publishComponent(outside: Outside, wish: ComponentWish): Promise<string> {
  const { database, blobs, folder } = outside.host;
  const { snap, name, revision, version, snapRevisions } = wish;
  const file = join(folder, 'staging', `${snap}+${name}-${revision}`);
  await packComponent({ snap: wish.claims?.snap ?? snap, name: wish.claims?.name ?? name, version }, file);
  const bytes = await readFile(file);
  const digest = createHash('sha3-384').update(bytes).digest('hex');
  await blobs.adopt(file, parseBlobDigest(digest));
  const snapId = snapIdOf(snap);
  const base = {
    'authority-id': 'test-root',
    'snap-id': snapId,
    'resource-name': name,
    'resource-revision': String(revision),
    'developer-id': 'my-brand',
    timestamp: formatTimestamp(SIGNED),
  };
  const sign = outside.chain.rootSigner;
  const made = await signAssertion(
    {
      type: 'snap-resource-revision',
      headers: {
        ...base,
        'resource-sha3-384': hexToSnapSha3(digest),
        'resource-size': String(bytes.byteLength),
      },
    },
    sign,
    SIGNED,
  );
  const paired = await Promise.all(
    (wish.unpaired ? [] : snapRevisions).map((snapRevision) =>
      signAssertion(
        { type: 'snap-resource-pair', headers: { ...base, 'snap-revision': String(snapRevision) } },
        sign,
        SIGNED,
      ),
    ),
  );
  await addAssertions(database.queries, [made, ...paired], { at: AT });
  await database.queries
    .insertInto('SnapResource')
    .values({
      snapId,
      name,
      type: 'component/standard',
      revision,
      version,
      description: `${name} of ${snap}`,
      sha3_384: digest,
      size: bytes.byteLength,
      createdAt: AT.toISOString(),
    })
    .execute();
  for (const snapRevision of snapRevisions)
    await database.queries
      .insertInto('SnapResourcePair')
      .values({ snapId, snapRevision, resourceName: name, resourceRevision: revision })
      .onConflict((conflict) =>
        conflict
          .columns(['snapId', 'snapRevision', 'resourceName'])
          .doUpdateSet({ resourceRevision: revision }),
      )
      .execute();
  return digest;
}
