import { readCarriedArchives, readInventory, type ManifestRest } from '../../bundles/index.ts';
import { channelName, isRisk } from '../../snaps/index.ts';
import type { Queries } from '../../storage/index.ts';
import type { Basis } from '../../workflows/export-contract.ts';
import { ExportError } from './errors.ts';

/** Which channels and architectures an export takes; all when empty. */
export interface BasisScope {
  readonly channels: readonly string[];
  readonly architectures: readonly string[];
}

/** What the other side has already, as far as anybody told: its files need not come along. */
export interface KnownThere {
  /** How the manifest names it. */
  readonly rest: Omit<ManifestRest, 'members'>;
  readonly digests: ReadonlySet<string>;
  /** Names of snaps that are there in some revision; of a moment nobody told. */
  readonly names: ReadonlySet<string>;
}

/**
 * Names what an export is asked to rest on by its digest, so that a repeat rests on the very same.
 * @throws BundleError for a file that is neither an inventory nor an archive
 */
export async function identifyBasis(kind: 'inventory' | 'archives', path: string): Promise<Basis> {
  const { digest } = kind === 'inventory' ? await readInventory(path) : await readCarriedArchives(path);
  return { kind, path, digest };
}

/**
 * Reads what an export rests on; undefined when it rests on nothing.
 * @throws BundleError, ExportError `basis-changed`
 */
export async function knownThere(
  basis: Basis | undefined,
  scope: BasisScope,
  queries: Queries,
): Promise<KnownThere | undefined> {
  if (basis === undefined) return undefined;
  switch (basis.kind) {
    case 'time':
      return {
        rest: { kind: 'time', digest: null, at: basis.at },
        digests: await offeredAt(basis.at, scope, queries),
        names: new Set(),
      };
    case 'inventory': {
      const { inventory, digest } = await readInventory(basis.path);
      requireSame(basis, digest);
      const files = inventory.snaps.flatMap(({ revisions, components }) => [...revisions, ...components]);
      return {
        rest: { kind: 'inventory', digest, at: inventory.writtenAt },
        digests: new Set(files.map((file) => file.digest)),
        names: new Set(inventory.snaps.map(({ name }) => name)),
      };
    }
    case 'archives': {
      const { heads, digest, at } = await readCarriedArchives(basis.path);
      requireSame(basis, digest);
      const snaps = heads.flatMap(({ manifest }) => manifest.snaps);
      const files = snaps.flatMap(({ revisions, components = [] }) => [...revisions, ...components]);
      return {
        rest: { kind: 'archives', digest, at },
        digests: new Set(files.map((file) => file.digest)),
        names: new Set(snaps.map(({ name }) => name)),
      };
    }
    default:
      return basis satisfies never;
  }
}

function requireSame(basis: { readonly path: string; readonly digest: string }, found: string): void {
  if (found !== basis.digest)
    throw new ExportError(
      'basis-changed',
      `cannot rest on ${basis.path}: it changed since the command began; give the command again`,
    );
}

/** Files of what the chosen channels held at a moment, with those of the components that were there then. */
async function offeredAt(at: string, scope: BasisScope, queries: Queries): Promise<ReadonlySet<string>> {
  const releases = await queries
    .selectFrom('ChannelRelease')
    .innerJoin('SnapRevision', (join) =>
      join
        .onRef('SnapRevision.snapId', '=', 'ChannelRelease.snapId')
        .onRef('SnapRevision.revision', '=', 'ChannelRelease.revision'),
    )
    .select([
      'ChannelRelease.track as track',
      'ChannelRelease.risk as risk',
      'ChannelRelease.branch as branch',
      'ChannelRelease.architecture as architecture',
      'SnapRevision.snapId as snapId',
      'SnapRevision.revision as revision',
      'SnapRevision.sha3_384 as digest',
    ])
    .where('ChannelRelease.releasedAt', '<=', at)
    .where((eb) => eb.or([eb('ChannelRelease.endedAt', 'is', null), eb('ChannelRelease.endedAt', '>', at)]))
    .execute();
  const held = releases.filter(
    ({ track, risk, branch, architecture }) =>
      isRisk(risk) &&
      isInScope(channelName({ track, risk, branch: branch || undefined }), architecture, scope),
  );
  const components = await queries
    .selectFrom('SnapResourcePair')
    .innerJoin('SnapResource', (join) =>
      join
        .onRef('SnapResource.snapId', '=', 'SnapResourcePair.snapId')
        .onRef('SnapResource.name', '=', 'SnapResourcePair.resourceName')
        .onRef('SnapResource.revision', '=', 'SnapResourcePair.resourceRevision'),
    )
    .select([
      'SnapResourcePair.snapId as snapId',
      'SnapResourcePair.snapRevision as revision',
      'SnapResource.sha3_384 as digest',
    ])
    .where('SnapResource.createdAt', '<=', at)
    .execute();
  const revisions = new Set(held.map(({ snapId, revision }) => `${snapId} ${revision}`));
  const own = components.filter(({ snapId, revision }) => revisions.has(`${snapId} ${revision}`));
  return new Set([...held, ...own].map(({ digest }) => digest));
}

/** Whether a channel of an architecture is among those that an export takes. */
export function isInScope(channel: string, architecture: string, scope: BasisScope): boolean {
  const { channels, architectures } = scope;
  if (channels.length > 0 && !channels.includes(channel)) return false;
  return architectures.length === 0 || architecture === 'all' || architectures.includes(architecture);
}
