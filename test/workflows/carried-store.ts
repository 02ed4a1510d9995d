/** A store that is carried from one host to another, for tests: hosts that go when the test is over, inputs, spoilt copies. */
import { copyFile, open, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { AssertionCloser } from '../../src/activities/exports/assertions.ts';
import { identifyImport } from '../../src/activities/imports/staging.ts';
import { encodeStream, type Assertion } from '../../src/assertions/index.ts';
import { addAssertions, parseBlobDigest, type DatabaseLocation } from '../../src/storage/index.ts';
import type { ImportInput, ImportKind } from '../../src/workflows/import-contract.ts';
import type { StoreExport } from '../../src/workflows/export-contract.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { AT, Outside, openHost, snapIdOf, type Host } from './hosts.ts';

export { AT, Outside, snapIdOf, type Host } from './hosts.ts';

/**
 * An empty host, closed when the test is over.
 * @param location where the database is, if not in the host's folder
 */
export async function newHost(location?: DatabaseLocation): Promise<Host> {
  const host = await openHost(await temporaryFolder(), undefined, location);
  onTestFinished(() => host.database.close());
  return host;
}

/** An outside host with a root, a brand and its stores, and no snap yet. */
export async function newOutside(): Promise<Outside> {
  return Outside.on(await newHost());
}

export const storeExport = (over: Partial<StoreExport> = {}): StoreExport => ({
  kind: 'store',
  store: 'brand-devices',
  channels: [],
  architectures: [],
  keys: [],
  snaps: true,
  exportDir: null,
  admin: null,
  actor: 'operator',
  ...over,
});

/** What the operator's interface makes of a push. */
export async function importInput(
  kind: ImportKind,
  path: string,
  over: Partial<ImportInput> = {},
): Promise<ImportInput> {
  return {
    kind,
    path,
    assertions: null,
    channels: [],
    pushChannelMap: false,
    exporter: null,
    allowOlder: false,
    digest: await identifyImport(kind, path, over.assertions ?? null),
    actor: 'operator',
    ...over,
  };
}

/** Whom a host trusts: an outside host, or any other store. */
export interface TrustedOutside {
  readonly chain: { readonly roots: readonly Assertion[] };
}

/** A host that trusts the outside root, and nothing else yet. */
export async function trustingHost({ chain }: TrustedOutside, location?: DatabaseLocation): Promise<Host> {
  const host = await newHost(location);
  await addAssertions(host.database.queries, chain.roots, { at: AT, trusted: true });
  return host;
}

/** A copy of a file with one byte changed, `back` bytes before its end. */
export async function flippedCopy(path: string, back: number): Promise<string> {
  const folder = await temporaryFolder();
  const copy = join(folder, 'flipped.tar.gz');
  await copyFile(path, copy);
  const file = await open(copy, 'r+');
  const at = (await stat(copy)).size - back;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
  buffer[0] = (buffer[0] ?? 0) ^ 0xff;
  await file.write(buffer, 0, 1, at);
  await file.close();
  return copy;
}

/** What `snap download` leaves of one of the outside host's snaps. */
export async function pairOf({ host }: Outside, name: string, revision: number) {
  const { queries } = host.database;
  const { sha3_384: digest } = await queries
    .selectFrom('SnapRevision')
    .select('sha3_384')
    .where('snapId', '=', snapIdOf(name))
    .where('revision', '=', revision)
    .executeTakeFirstOrThrow();
  const folder = await temporaryFolder();
  const path = join(folder, `${name}_${revision}.snap`);
  const assertions = path.replace('.snap', '.assert');
  await copyFile(host.blobs.pathOf(parseBlobDigest(digest)), path);
  const stream = await new AssertionCloser(queries).ofSnapFile(snapIdOf(name), digest);
  await writeFile(assertions, encodeStream(stream));
  return { path, assertions };
}
