import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import {
  DEFAULT_PROVENANCE,
  decodeStream,
  hexToSnapSha3,
  publicRoot,
  text,
  verifyBatch,
  type Assertion,
  type AssertionRef,
} from '../assertions/index.ts';
import { GENERAL_STORE } from '../brands/index.ts';
import { fileNames, type ManifestSnap, type StreamSource } from '../bundles/index.ts';
import { parseChannel, parseSnapYaml, channelName, needsOf } from '../snaps/index.ts';
import { assertionSource, trustedRoots } from '../storage/index.ts';
import {
  AssertionFetcher,
  UpstreamError,
  type UpstreamResource,
  type UpstreamSnap,
} from '../upstream/index.ts';
import type { ExportOutcome, ExportedFile, ExportedRevision } from '../workflows/export-contract.ts';
import type { FetchSnapsInput } from '../workflows/fetch-contract.ts';
import { atOnce } from './at-once.ts';
import {
  exporterSigner,
  leftOutOf,
  writeArchive,
  type ComponentMaterial,
  type RevisionMaterial,
  type SnapMaterial,
} from './export-archive.ts';
import {
  fetchFolder,
  fetchPlan,
  upstreamClient,
  type FetchParts,
  type FetchedPlace,
} from './fetch-staging.ts';
import { broughtAlong, partlyAbsent } from './fetch-dependencies.ts';
import { trustAnchors } from './import-verify.ts';
import { readSnapMetadata } from './snap-file.ts';
import { makeExportFolder } from './export-folder.ts';

/** Archives that are written at a time: with small snaps most of it is waiting for the disk and for the upstream. */
const ARCHIVES = 4;

/** How to stop the writing, and who wants to know how far it is. */
export interface FetchWriting {
  readonly signal: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/** Everything that was downloaded, verified down to a trusted root, for one archive of all of it. */
export async function fetchedMaterials(
  input: FetchSnapsInput,
  at: Date,
  deps: FetchParts,
  signal: AbortSignal,
): Promise<{ readonly materials: readonly SnapMaterial[]; readonly warnings: readonly string[] }> {
  const plan = await fetchPlan(input, deps);
  const client = await upstreamClient(deps, input);
  const roots = [...publicRoot(), ...(await trustedRoots(deps.database.queries))];
  const fetcher = new AssertionFetcher(client, roots, signal);
  const groups = [...Map.groupBy(plan.places, ({ snap }) => snap.name)];
  const warnings = new Set<string>([...(plan.warnings ?? []), ...partlyAbsent(plan)]);
  const notes = {
    at,
    warnings,
    names: new Set(groups.map(([name]) => name)),
    leftOut: new Set(plan.leftOut),
  };
  const found = new Map<string, SnapMaterial>();
  await atOnce(ARCHIVES, groups, async ([name, held]) => {
    signal.throwIfAborted();
    found.set(name, await materialOf(input, held, fetcher, deps, notes));
  });
  return {
    materials: groups.flatMap(([name]) => found.get(name) ?? []),
    warnings: [...warnings].sort(),
  };
}

/**
 * Verifies what was downloaded down to a trusted root, and writes one archive for each snap.
 * @throws UpstreamError, AssertionError, SnapError
 */
export async function writeFetched(
  input: FetchSnapsInput,
  at: Date,
  deps: FetchParts,
  { signal, onBytes }: FetchWriting,
): Promise<ExportOutcome> {
  const plan = await fetchPlan(input, deps);
  const { places, rest } = plan;
  const client = await upstreamClient(deps, input);
  const roots = [...publicRoot(), ...(await trustedRoots(deps.database.queries))];
  const fetcher = new AssertionFetcher(client, roots, signal);
  const folder = await makeExportFolder(input.exportDir, deps.exportFolder);
  const signer = await exporterSigner(deps.settings, at);
  const warnings = new Set<string>([...(plan.warnings ?? []), ...partlyAbsent(plan)]);
  const snaps: SnapMaterial[] = [];
  const names = [...Map.groupBy(places, ({ snap }) => snap.name)];
  const files = new Map<string, ExportedFile>();
  const notes = {
    at,
    warnings,
    names: new Set([...input.names, ...names.map(([name]) => name)]),
    leftOut: new Set(plan.leftOut),
  };
  let bytes = 0;
  await atOnce(ARCHIVES, names, async ([name, held]) => {
    signal.throwIfAborted();
    let own = 0;
    const material = await materialOf(input, held, fetcher, deps, notes);
    snaps.push(material);
    const written = await writeArchive(
      { folder, nameAt: (time) => fileNames.snapBundle(name, time), at },
      {
        kind: 'snap',
        store: material.snap.store === GENERAL_STORE ? null : material.snap.store,
        createdAt: at,
        complete: false,
        stores: [],
        admin: null,
        streams: new Map(),
        snaps: [material],
        rest: rest ?? undefined,
      },
      signer,
      {
        signal,
        onProgress: (written) => {
          bytes += written - own;
          own = written;
          onBytes?.(bytes);
        },
      },
    );
    files.set(name, { subject: name, path: written.path, size: written.size });
  });
  const inOrder = names.flatMap(([name]) => files.get(name) ?? []);
  return {
    files: inOrder,
    tokenFile: null,
    snaps: places.map(lineOf),
    accountKeys: [],
    warnings: [...warnings].sort(),
    ...(input.withDependencies && { dependencies: broughtAlong(plan) }),
    ...(rest && { leftOut: leftOutOf(snaps) }),
  };
}

function lineOf({ snap, channel, architecture }: FetchedPlace): ExportedRevision {
  return { name: snap.name, revision: snap.revision, channel, architecture };
}

interface Notes {
  readonly at: Date;
  readonly warnings: Set<string>;
  readonly names: ReadonlySet<string>;
  readonly leftOut: ReadonlySet<string>;
}

async function materialOf(
  input: FetchSnapsInput,
  places: readonly FetchedPlace[],
  fetcher: AssertionFetcher,
  deps: FetchParts,
  notes: Notes,
): Promise<SnapMaterial> {
  const [first] = places;
  if (first === undefined) throw new TypeError('internal error: a snap without a place');
  const revisions: RevisionMaterial[] = [];
  const components = new Map<string, ComponentMaterial>();
  for (const { snap } of places)
    for (const resource of snap.resources ?? [])
      components.set(
        `${resource.name} ${resource.revision}`,
        await componentOf(input, resource, deps, notes),
      );
  for (const place of new Map(places.map((one) => [one.snap.revision, one])).values())
    revisions.push(await revisionOf(input, place, fetcher, deps, notes));
  const { snap } = first;
  return {
    snap: {
      snapId: snap['snap-id'],
      name: snap.name,
      store: snap.store ?? (snap.private && input.store !== null ? input.store : GENERAL_STORE),
      private: snap.private,
      publisherId: publisherOf(revisions, snap['snap-id']),
      type: snap.type,
      title: snap.title,
      summary: snap.summary,
      description: snap.description,
      license: snap.license ?? null,
      contact: snap.contact ?? null,
      website: snap.website ?? null,
      links: snap.links ?? {},
      media: (snap.media ?? []).map(({ type, url, width, height }) => ({
        type,
        url,
        ...(typeof width === 'number' ? { width } : {}),
        ...(typeof height === 'number' ? { height } : {}),
      })),
      categories: [],
      defaultTrack: null,
      channels: places.map((place) => releaseOf(place, notes.at)),
    },
    revisions,
    components: [...components.values()],
  };
}

async function componentOf(
  input: FetchSnapsInput,
  resource: UpstreamResource,
  deps: FetchParts,
  { leftOut }: Notes,
): Promise<ComponentMaterial> {
  const { name, type, revision, version, description, download } = resource;
  const digest = download['sha3-384'];
  const createdAt = new Date(resource['created-at']).toISOString();
  const file = join(fetchFolder(deps.blobs, input.fetchId), digest);
  return {
    component: { name, type, revision, version, description, digest, size: download.size, createdAt },
    ...(leftOut.has(digest) ? { open: null } : await downloaded(file, deps)),
  };
}

function releaseOf(
  { channel, architecture, snap }: FetchedPlace,
  at: Date,
): ManifestSnap['channels'][number] {
  return {
    channel: channelName(parseChannel(channel)),
    architecture,
    revision: snap.revision,
    releasedAt: at.toISOString(),
    percentage: null,
    progressiveKey: null,
    paused: false,
    expiresAt: null,
  };
}

async function revisionOf(
  input: FetchSnapsInput,
  { snap }: FetchedPlace,
  fetcher: AssertionFetcher,
  deps: FetchParts,
  notes: Notes,
): Promise<RevisionMaterial> {
  const digest = snap.download['sha3-384'];
  const file = join(fetchFolder(deps.blobs, input.fetchId), digest);
  const assertions =
    snap.assertions === undefined
      ? await fetcher.chain(
          { type: 'snap-revision', primaryKey: [hexToSnapSha3(digest)] },
          { type: 'snap-declaration', primaryKey: ['16', snap['snap-id']] },
          ...(snap.resources ?? []).flatMap((resource) => componentRefs(snap, resource)),
        )
      : decodeStream(snap.assertions);
  await verifyBatch(assertions, {
    source: assertionSource(deps.database.queries),
    trusted: await trustAnchors(deps.database.queries),
    now: deps.now(),
  });
  const statement = assertions.find(({ type }) => type === 'snap-revision');
  if (
    statement === undefined ||
    text(statement, 'snap-id') !== snap['snap-id'] ||
    text(statement, 'snap-revision') !== String(snap.revision) ||
    text(statement, 'snap-size') !== String(snap.download.size)
  )
    throw new UpstreamError(
      'download-corrupt',
      `cannot use ${snap.name} revision ${snap.revision}: its snap-revision assertion speaks of another file`,
    );
  const { yaml } = notes.leftOut.has(digest)
    ? { yaml: parseSnapYaml(snap['snap-yaml'] ?? '') }
    : await readSnapMetadata(file);
  for (const { name, why } of needsOf(yaml))
    if (!notes.names.has(name))
      notes.warnings.add(
        `${snap.name} revision ${snap.revision} needs ${name} (${why}), which was not fetched with it`,
      );
  const resources = snap.resources ?? [];
  return {
    revision: {
      revision: snap.revision,
      version: yaml.version,
      digest,
      size: snap.download.size,
      architectures: [...yaml.architectures],
      type: yaml.type,
      base: yaml.base ?? null,
      confinement: yaml.confinement,
      grade: yaml.grade,
      provenance: yaml.provenance,
      epoch: { read: [...yaml.epoch.read], write: [...yaml.epoch.write] },
      createdAt: new Date(text(statement, 'timestamp')).toISOString(),
      ...(resources.length > 0 && {
        components: resources.map(({ name, revision }) => ({ name, revision })),
      }),
    },
    ...(notes.leftOut.has(digest) ? { open: null } : await downloaded(file, deps)),
    assertions,
  };
}

/** A file that was downloaded; what this process digested meanwhile is not digested again. */
async function downloaded(path: string, deps: FetchParts): Promise<StreamSource> {
  return { open: async () => createReadStream(path), path, verified: await deps.verified.has(path) };
}

/** The assertions of a component: who made its file, and that it goes with that revision. */
function componentRefs(snap: UpstreamSnap, { name, revision, download }: UpstreamResource): AssertionRef[] {
  const [id, sha3] = [snap['snap-id'], hexToSnapSha3(download['sha3-384'])];
  return [
    { type: 'snap-resource-revision', primaryKey: [id, name, sha3, DEFAULT_PROVENANCE] },
    {
      type: 'snap-resource-pair',
      primaryKey: [id, name, String(revision), String(snap.revision), DEFAULT_PROVENANCE],
    },
  ];
}

/** Who publishes the snap is what its declaration says, not what an answer claims. */
function publisherOf(revisions: readonly RevisionMaterial[], snapId: string): string {
  const isOwn = (one: Assertion) => one.type === 'snap-declaration' && text(one, 'snap-id') === snapId;
  const declaration = revisions.flatMap(({ assertions }) => assertions).find(isOwn);
  return declaration === undefined ? '' : text(declaration, 'publisher-id');
}
