import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { text, type Assertion } from '../../assertions/index.ts';
import {
  BundleError,
  otherSnap,
  readPair,
  requireFreeBytes,
  sha3Of,
  type ManifestSnap,
} from '../../bundles/index.ts';
import { GENERAL_STORE } from '../../brands/index.ts';
import { fileDigest } from '../../file-digest.ts';
import { channelName, parseChannel, plainMedia, revisionFacts, REVISION_MAX } from '../../snaps/index.ts';
import type { ImportInput } from '../../workflows/import-contract.ts';
import { EMPTY_CONTENT, requireDigest, type ImportContent } from './content.ts';
import { ImportError } from './errors.ts';
import { verifyStream } from './verify.ts';
import { readSnapMetadata } from '../snap-file.ts';
import type { StagingParts } from './staging-parts.ts';

const CHUNK = 2 ** 20;

/** What `snap download` leaves: the snap and its assertions; what is known of it comes from these two alone. */
export function stagePair(input: ImportInput, folder: string, parts: StagingParts): Promise<ImportContent> {
  return pairWith(stageSnap, input, folder, parts);
}

/** The same for a plan: every check of {@link stagePair}, and a link in place of the copy. */
export function linkPair(input: ImportInput, folder: string, parts: StagingParts): Promise<ImportContent> {
  return pairWith(linkSnap, input, folder, parts);
}

async function pairWith(
  take: typeof stageSnap,
  input: ImportInput,
  folder: string,
  parts: StagingParts,
): Promise<ImportContent> {
  const { stream, assertions, statement, declaration, digest } = await readPair(input.assertions ?? '');
  requireDigest(digest, input);
  const size = await take(input, folder, parts);
  // A stranger's image is not opened: unsquashfs is no small program.
  await verifyStream(basename(input.assertions ?? ''), assertions, parts);
  const assertDigest = sha3Of(stream);
  await writeFile(join(folder, assertDigest), stream, { mode: 0o600 });
  const member = basename(input.path);
  const assertionsMember = basename(input.assertions ?? '');
  const snap = await describePair(statement, declaration, input, parts, {
    path: join(folder, input.digest),
    size,
    member,
    assertions: assertionsMember,
  });
  return {
    ...EMPTY_CONTENT,
    kind: input.kind,
    digest: input.digest,
    channelMaps: 'where-different',
    snaps: [snap],
    members: { [member]: input.digest, [assertionsMember]: assertDigest },
  };
}

async function sizeOf(path: string): Promise<number> {
  const { size } = await stat(path).catch((cause: unknown) => {
    throw new BundleError('bundle-unreadable', `cannot open ${path}: check the path and its permissions`, {
      cause,
    });
  });
  return size;
}

async function linkSnap(input: ImportInput, folder: string, parts: StagingParts): Promise<number> {
  const size = await sizeOf(input.path);
  if ((await fileDigest(input.path, parts)).digest !== input.digest) throw otherSnap(basename(input.path));
  await symlink(input.path, join(folder, input.digest));
  return size;
}

async function stageSnap(input: ImportInput, folder: string, parts: StagingParts): Promise<number> {
  const target = join(folder, input.digest);
  await requireFreeBytes(folder, await sizeOf(input.path));
  const hash = createHash('sha3-384');
  let bytes = 0;
  const hashed = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.byteLength;
      parts.onBytes?.(bytes);
      yield chunk;
    }
  };
  await pipeline(
    createReadStream(input.path, { highWaterMark: CHUNK }),
    hashed,
    createWriteStream(`${target}.part`, { mode: 0o600, highWaterMark: 4 * CHUNK }),
    { signal: parts.signal },
  );
  if (hash.digest('hex') !== input.digest) {
    await rm(`${target}.part`, { force: true });
    throw otherSnap(basename(input.path));
  }
  await rename(`${target}.part`, target);
  return bytes;
}

async function describePair(
  statement: Assertion,
  declaration: Assertion,
  input: ImportInput,
  parts: StagingParts,
  file: {
    readonly path: string;
    readonly size: number;
    readonly member: string;
    readonly assertions: string;
  },
): Promise<ManifestSnap> {
  const { yaml } = await readSnapMetadata(file.path, parts.signal);
  const snapId = text(statement, 'snap-id');
  const present = await parts.queries
    .selectFrom('Snap')
    .selectAll()
    .where('snapId', '=', snapId)
    .executeTakeFirst();
  const revision = Number(text(statement, 'snap-revision'));
  if (revision > REVISION_MAX)
    throw new ImportError(
      'snap-assertions-wrong',
      `cannot push ${input.path}: its revision ${revision} is higher than ${REVISION_MAX}, the highest that is taken`,
    );
  const at = parts.now.toISOString();
  const publisherId = text(declaration, 'publisher-id');
  const home = present?.storeId ?? (await homeOf(publisherId, input, parts));
  return {
    snapId,
    name: text(declaration, 'snap-name'),
    store: home,
    private: present?.private ?? home !== GENERAL_STORE,
    publisherId,
    type: yaml.type,
    title: present?.title ?? yaml.title,
    summary: present?.summary ?? yaml.summary,
    description: present?.description ?? yaml.description,
    license: present?.license ?? yaml.license ?? null,
    contact: present?.contact ?? null,
    website: present?.website ?? null,
    links:
      present?.links ?? Object.fromEntries(Object.entries(yaml.links).map(([key, urls]) => [key, [...urls]])),
    media: plainMedia(present?.media ?? []),
    categories: [...(present?.categories ?? [])],
    defaultTrack: present?.defaultTrack ?? null,
    revisions: [
      {
        revision,
        ...revisionFacts(yaml),
        digest: input.digest,
        size: file.size,
        createdAt: new Date(text(statement, 'timestamp')).toISOString(),
        member: file.member,
        assertions: file.assertions,
      },
    ],
    channels: input.channels.flatMap((channel) =>
      yaml.architectures.map((architecture) => ({
        channel: channelName(parseChannel(channel)),
        architecture,
        revision,
        releasedAt: at,
        percentage: null,
        progressiveKey: null,
        paused: false,
        expiresAt: null,
      })),
    ),
  };
}

/**
 * The store of a snap that is new here. Its assertions name none, so one of a brand that is hosted here is taken for private: else devices of
 * every other brand would see it.
 */
async function homeOf(publisherId: string, input: ImportInput, { queries }: StagingParts): Promise<string> {
  const stores = await queries
    .selectFrom('Store')
    .select(['id', 'kind'])
    .where('brandId', '=', publisherId)
    .orderBy('id')
    .execute();
  const own = stores.filter(({ kind }) => kind === 'brand');
  const [home, ...others] = own.length > 0 ? own : stores;
  if (others.length > 0)
    throw new ImportError(
      'snap-of-other-store',
      `cannot push ${input.path}: its publisher has the stores ${stores.map(({ id }) => id).join(', ')} here, and its assertions do not say which of them it is of; push its archive, which "store-admin export snaps" and "fetch-snaps" make`,
    );
  return home?.id ?? GENERAL_STORE;
}
