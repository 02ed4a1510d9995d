import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  combinedSource,
  hexToSnapSha3,
  publicRoot,
  sourceOf,
  text,
  verifyBatch,
  type Assertion,
  type AssertionSource,
} from '../../assertions/index.ts';
import { noSpace } from '../../bundles/index.ts';
import { AirlockError } from '../../errors.ts';
import { atOnce } from '../../at-once.ts';
import { parseSnapYaml, type SnapYaml } from '../../snaps/index.ts';
import {
  assertionSource,
  parseBlobDigest,
  trustedRoots,
  type BlobStore,
  type Queries,
} from '../../storage/index.ts';
import type { ImportSlice } from '../../workflows/import-contract.ts';
import { requireComponentAssertions, verifyComponents } from './components.ts';
import {
  readAssertions,
  revisionsOf,
  sharedStreams,
  type ContentRevision,
  type ImportContent,
} from './content.ts';
import { ImportError } from './errors.ts';
import { readSnapMetadata, type SnapMetadata } from '../snap-file.ts';

/** Files that are read at a time: each is a process of its own. */
const FILES = 2;

/** What verification needs from the host. */
export interface VerifyParts {
  readonly queries: Queries;
  readonly blobs: BlobStore;
  readonly now: Date;
  readonly signal?: AbortSignal;
  /** Called after each revision. */
  readonly onRevision?: (done: number) => void;
}

/** The roots that this host trusts: the public store's, and those that an operator added. */
export async function trustAnchors(queries: Queries): Promise<AssertionSource> {
  return combinedSource(sourceOf(publicRoot()), sourceOf(await trustedRoots(queries)));
}

/**
 * Verifies one slice of an import in the staging folder: every chain down to a trusted root, then what the assertions say
 * of each snap file, then what the file says of itself. The text of each snap.yaml is left beside the file.
 * @throws AssertionError, ImportError, SnapError, each naming the member at fault
 */
export async function verifySlice(
  folder: string,
  content: ImportContent,
  slice: ImportSlice,
  parts: VerifyParts,
): Promise<void> {
  const revisions = revisionsOf(content).slice(slice.from, slice.to);
  const batch: Assertion[] = [];
  for (const member of sharedStreams(content)) batch.push(...(await readMember(folder, content, member)));
  const own = new Map<string, readonly Assertion[]>();
  for (const { revision } of revisions) {
    const assertions =
      own.get(revision.assertions) ?? (await readMember(folder, content, revision.assertions));
    if (!own.has(revision.assertions)) batch.push(...assertions);
    own.set(revision.assertions, assertions);
  }
  await verifyChains(batch, content, own, parts);
  let done = 0;
  await atOnce(FILES, revisions, async (item) => {
    parts.signal?.throwIfAborted();
    const assertions = [...(own.get(item.revision.assertions) ?? []), ...batch];
    requireAssertions(item, assertions);
    requireComponentAssertions(item, assertions);
    await verifyFile(folder, item, parts);
    parts.onRevision?.(++done);
  });
}

/**
 * Verifies the assertions of one file by themselves, down to a trusted root, before anything else of that file is used.
 * @throws AssertionError with the file at fault
 */
export async function verifyStream(
  member: string,
  assertions: readonly Assertion[],
  { queries, now }: Pick<VerifyParts, 'queries' | 'now'>,
): Promise<void> {
  const options = { trusted: await trustAnchors(queries), now, source: assertionSource(queries) };
  await verifyBatch(assertions, options).catch((cause: unknown) => {
    throw atMember(member, cause);
  });
}

async function readMember(
  folder: string,
  content: ImportContent,
  member: string,
): Promise<readonly Assertion[]> {
  try {
    return await readAssertions(folder, content, member);
  } catch (error) {
    throw atMember(member, error);
  }
}

/** Verifies all at once; when that fails, member by member, to name the one at fault. */
async function verifyChains(
  batch: readonly Assertion[],
  content: ImportContent,
  own: ReadonlyMap<string, readonly Assertion[]>,
  parts: VerifyParts,
): Promise<void> {
  const options = {
    trusted: await trustAnchors(parts.queries),
    now: parts.now,
    source: assertionSource(parts.queries),
  };
  try {
    await verifyBatch(batch, options);
  } catch (error) {
    const shared = batch.filter((one) => ![...own.values()].some((list) => list.includes(one)));
    await verifyBatch(shared, options).catch((cause: unknown) => {
      throw atMember(sharedStreams(content).join(', '), cause);
    });
    for (const [member, assertions] of own)
      await verifyBatch([...shared, ...assertions], options).catch((cause: unknown) => {
        throw atMember(member, cause);
      });
    throw error;
  }
}

/** The snap-revision and the snap-declaration must speak of this very file, revision, name and publisher. */
function requireAssertions({ snap, revision }: ContentRevision, assertions: readonly Assertion[]): void {
  const member = revision.member;
  const sha3 = hexToSnapSha3(revision.digest);
  const statement = assertions.find(
    (one) => one.type === 'snap-revision' && text(one, 'snap-sha3-384') === sha3,
  );
  if (statement === undefined)
    throw new ImportError(
      'snap-assertions-wrong',
      `cannot accept ${member}: ${revision.assertions} holds no snap-revision for this file`,
    );
  const wrong =
    text(statement, 'snap-id') !== snap.snapId
      ? 'snap id'
      : text(statement, 'snap-revision') !== String(revision.revision)
        ? 'revision'
        : text(statement, 'snap-size') !== String(revision.size)
          ? 'size'
          : undefined;
  if (wrong !== undefined)
    throw new ImportError(
      'snap-assertions-wrong',
      `cannot accept ${member}: its snap-revision assertion gives another ${wrong} than the archive`,
    );
  const declaration = assertions.findLast(
    (one) => one.type === 'snap-declaration' && text(one, 'snap-id') === snap.snapId,
  );
  if (
    declaration === undefined ||
    text(declaration, 'snap-name') !== snap.name ||
    text(declaration, 'publisher-id') !== snap.publisherId
  )
    throw new ImportError(
      'snap-assertions-wrong',
      `cannot accept ${member}: no snap-declaration says that ${snap.snapId} is ${snap.name} of ${snap.publisherId}`,
    );
}

/** Reads snap.yaml, which is safe only now that digest and signatures hold, and compares it with the metadata. */
async function verifyFile(
  folder: string,
  { snap, revision }: ContentRevision,
  parts: VerifyParts,
): Promise<void> {
  const staged = join(folder, revision.digest);
  try {
    const { text: yamlText, yaml } = (await exists(staged))
      ? await readSnapMetadata(staged, parts.signal)
      : await keptMetadata(revision, parts);
    const wrong = disagreement(snap.name, revision, yaml);
    if (wrong !== undefined)
      throw new ImportError(
        'snap-file-wrong',
        `cannot accept ${revision.member}: its snap.yaml gives another ${wrong} than the archive's metadata`,
      );
    await verifyComponents(folder, { snap, revision }, yaml, { ...parts, exists });
    await writeFile(snapYamlFile(folder, revision.digest), yamlText, { mode: 0o600 });
  } catch (error) {
    throw error instanceof ImportError ? error : noSpace(atMember(revision.member, error), folder);
  }
}

/** The snap.yaml of a file that is stored already, as it was read from the same bytes when they came in. */
async function keptMetadata(
  { digest, member }: ContentRevision['revision'],
  { queries, blobs, signal }: VerifyParts,
): Promise<SnapMetadata> {
  const row = await queries
    .selectFrom('SnapRevision')
    .select('snapYaml')
    .where('sha3_384', '=', digest)
    .executeTakeFirst();
  if (row?.snapYaml) return { text: row.snapYaml, yaml: parseSnapYaml(row.snapYaml) };
  const blob = await blobs.find(parseBlobDigest(digest));
  if (blob === undefined)
    throw new ImportError('file-changed', `cannot find ${member} any more: push the file again`);
  return blobs.withFile(blob, (path) => readSnapMetadata(path, signal));
}

/** Where the snap.yaml of a verified file is kept until the import is committed. */
export function snapYamlFile(folder: string, digest: string): string {
  return join(folder, `${digest}.snap.yaml`);
}

function disagreement(
  name: string,
  revision: ContentRevision['revision'],
  yaml: SnapYaml,
): string | undefined {
  if (yaml.name !== name) return 'name';
  if (yaml.version !== revision.version) return 'version';
  if (coreAsOs(yaml.type) !== coreAsOs(revision.type)) return 'type';
  if ((yaml.base ?? null) !== revision.base) return 'base';
  if (yaml.confinement !== revision.confinement) return 'confinement';
  if ([...yaml.architectures].sort().join() !== [...revision.architectures].sort().join())
    return 'architecture';
  return undefined;
}

/** Stores say `os` where the snap.yaml of the old base snap says `core`. */
function coreAsOs(type: string): string {
  return type === 'core' ? 'os' : type;
}

/** The same refusal, with the member that it is about in front. */
function atMember(member: string, error: unknown): unknown {
  if (!(error instanceof AirlockError)) return error;
  const reason = error.message.replace(/^cannot /, '');
  return new AirlockError(error.kind, error.code, `cannot accept ${member}: cannot ${reason}`, {
    cause: error,
  });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
