import { createReadStream } from 'node:fs';
import {
  DEFAULT_PROVENANCE,
  decodeStream,
  hexToSnapSha3,
  text,
  type Assertion,
  type AssertionRef,
} from '../../assertions/index.ts';
import { GENERAL_STORE } from '../../brands/index.ts';
import type { ManifestSnap, StreamSource } from '../../bundles/index.ts';
import {
  channelName,
  missedFor,
  needsOf,
  parseChannel,
  parseSnapYaml,
  plainMedia,
  revisionFacts,
} from '../../snaps/index.ts';
import {
  UpstreamError,
  type AssertionFetcher,
  type StoreClient,
  type UpstreamResource,
  type UpstreamSnap,
} from '../../upstream/index.ts';
import type { RunningFetch } from '../../workflows/fetch-contract.ts';
import { atOnce } from '../../at-once.ts';
import type { ComponentMaterial, RevisionMaterial, SnapMaterial } from '../exports/archive.ts';
import { upstreamClient } from './client.ts';
import { openPlan, type FetchParts, type FetchPlan, type FetchedPlace, type OpenPlan } from './plan.ts';
import { stagedFile } from './staging.ts';
import { assertionFetcher, verifyFetched } from './trust.ts';
import { readSnapMetadata } from '../snap-file.ts';

/** Snaps at a time: with small ones most of it is waiting for the disk and for the upstream. */
const AT_ONCE = 4;

/** What the archives of a fetch are made from: what was planned and downloaded, and whoever has the assertions that go with it. */
export interface FetchSources extends OpenPlan {
  readonly fetch: RunningFetch;
  readonly client: StoreClient;
  readonly fetcher: AssertionFetcher;
}

/** Opens the sources of a fetch, once for all that one step writes of it. */
export async function openSources(
  fetch: RunningFetch,
  deps: FetchParts,
  signal: AbortSignal,
): Promise<FetchSources> {
  const client = await upstreamClient(deps, fetch);
  const open = await openPlan(fetch, deps);
  return { ...open, fetch, client, fetcher: await assertionFetcher(client, deps, signal, open.supports) };
}

/** A snap that was downloaded, verified down to a trusted root, and sentences about what it needs that does not come. */
export interface FetchedMaterial {
  readonly material: SnapMaterial;
  readonly warnings: readonly string[];
}

/**
 * Does something with each snap, several at a time.
 * @returns what came of it, in the order of the plan
 */
export async function snapBySnap<Made>(
  { snaps }: FetchSources,
  signal: AbortSignal,
  work: (name: string) => Promise<Made>,
): Promise<readonly Made[]> {
  const made: Made[] = [];
  await atOnce(AT_ONCE, [...[...snaps.keys()].entries()], async ([index, name]) => {
    signal.throwIfAborted();
    made[index] = await work(name);
  });
  return made;
}

/** Sentences about what of a plan does not come, and about what its snaps do not find. */
export function warningsOf(plan: FetchPlan, snaps: readonly Pick<FetchedMaterial, 'warnings'>[]): string[] {
  const all = [...(plan.warnings ?? []), ...snaps.flatMap(({ warnings }) => warnings)];
  return [...new Set(all)].sort();
}

/**
 * One snap of those that were downloaded, in all of its places.
 * @param at since when its channels have it
 * @throws UpstreamError, AssertionError, SnapError
 */
export async function fetchedMaterial(
  sources: FetchSources,
  name: string,
  at: Date,
  deps: FetchParts,
): Promise<FetchedMaterial> {
  const warnings = new Set<string>();
  const { snaps, plan, fetch, fetcher } = sources;
  const notes = { at, warnings, snaps, leftOut: new Set(plan.leftOut), there: new Set(plan.there) };
  const material = await materialOf(fetch, snaps.get(name) ?? [], fetcher, deps, notes);
  return { material, warnings: [...warnings] };
}

interface Notes {
  readonly at: Date;
  readonly warnings: Set<string>;
  readonly snaps: OpenPlan['snaps'];
  readonly leftOut: ReadonlySet<string>;
  readonly there: ReadonlySet<string>;
}

async function materialOf(
  fetch: RunningFetch,
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
        await componentOf(fetch, resource, deps, notes),
      );
  for (const place of new Map(places.map((one) => [one.snap.revision, one])).values())
    revisions.push(await revisionOf(fetch, place, fetcher, deps, notes));
  const { snap } = first;
  return {
    snap: {
      snapId: snap['snap-id'],
      name: snap.name,
      store: snap.store ?? (snap.private && fetch.store !== null ? fetch.store : GENERAL_STORE),
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
      media: plainMedia(snap.media ?? []),
      categories: [],
      defaultTrack: null,
      channels: places.map((place) => releaseOf(place, notes.at)),
    },
    revisions,
    components: [...components.values()],
  };
}

async function componentOf(
  fetch: RunningFetch,
  resource: UpstreamResource,
  deps: FetchParts,
  { leftOut }: Notes,
): Promise<ComponentMaterial> {
  const { name, type, revision, version, description, download } = resource;
  const digest = download['sha3-384'];
  const createdAt = new Date(resource['created-at']).toISOString();
  const file = stagedFile(fetch, digest, deps);
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
  fetch: RunningFetch,
  { snap }: FetchedPlace,
  fetcher: AssertionFetcher,
  deps: FetchParts,
  notes: Notes,
): Promise<RevisionMaterial> {
  const digest = snap.download['sha3-384'];
  const file = stagedFile(fetch, digest, deps);
  const assertions =
    snap.assertions === undefined
      ? await fetcher.chain(
          { type: 'snap-revision', primaryKey: [hexToSnapSha3(digest)] },
          { type: 'snap-declaration', primaryKey: ['16', snap['snap-id']] },
          ...(snap.resources ?? []).flatMap((resource) => componentRefs(snap, resource)),
        )
      : decodeStream(snap.assertions);
  await verifyFetched(assertions, deps);
  const statement = assertions.find(({ type }) => type === 'snap-revision');
  if (
    statement === undefined ||
    text(statement, 'snap-id') !== snap['snap-id'] ||
    text(statement, 'snap-revision') !== String(snap.revision) ||
    text(statement, 'snap-size') !== String(snap.download.size)
  )
    throw new UpstreamError(
      'upstream-contradictory',
      `cannot use ${snap.name} revision ${snap.revision}: its snap-revision assertion speaks of another file; fetch again, and if it stays so, tell whoever runs the upstream`,
    );
  const { yaml } = notes.leftOut.has(digest)
    ? { yaml: parseSnapYaml(snap['snap-yaml'] ?? '') }
    : await readSnapMetadata(file);
  const places = notes.snaps.get(snap.name) ?? [];
  const wanted = architecturesOf(places.filter((place) => place.snap.revision === snap.revision));
  for (const { name, why } of needsOf(yaml)) {
    const held = notes.snaps.get(name);
    const missed = missedFor(wanted, held && architecturesOf(held));
    if (missed !== undefined && !notes.there.has(name))
      notes.warnings.add(
        `${snap.name} revision ${snap.revision} needs ${name} (${why}), which was not fetched with it${missed}`,
      );
  }
  const resources = snap.resources ?? [];
  return {
    revision: {
      revision: snap.revision,
      ...revisionFacts(yaml),
      digest,
      size: snap.download.size,
      createdAt: new Date(text(statement, 'timestamp')).toISOString(),
      ...(resources.length > 0 && {
        components: resources.map(({ name, revision }) => ({ name, revision })),
      }),
    },
    ...(notes.leftOut.has(digest) ? { open: null } : await downloaded(file, deps)),
    assertions,
  };
}

function architecturesOf(places: readonly FetchedPlace[]): string[] {
  return places.map(({ architecture }) => architecture);
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
