import { ANY_ARCHITECTURE, ChannelMap, isRisk, parseChannel, type Release } from '../../snaps/index.ts';
import type { Queries } from '../../storage/index.ts';
import type { CatalogIcon, CatalogRevision, CatalogSnap } from './catalog-snap.ts';

/** Reads snaps with everything that belongs to them, in a fixed number of queries. */
export async function loadSnaps(
  queries: Queries,
  snapIds: readonly string[],
): Promise<Map<string, CatalogSnap>> {
  if (snapIds.length === 0) return new Map();
  const ids = [...snapIds];
  const snaps = await queries
    .selectFrom('Snap')
    .leftJoin('Account', 'Account.id', 'Snap.publisherId')
    .selectAll('Snap')
    .select(['Account.username', 'Account.displayName', 'Account.validation'])
    .where('Snap.snapId', 'in', ids)
    .execute();
  if (snaps.length === 0) return new Map();
  const [revisions, releases, overrides] = await Promise.all([
    loadRevisions(queries, ids),
    queries.selectFrom('ChannelRelease').selectAll().where('snapId', 'in', ids).orderBy('id').execute(),
    queries
      .selectFrom('ChannelOverride')
      .selectAll()
      .where(
        'snapName',
        'in',
        snaps.map((snap) => snap.name),
      )
      .orderBy('id')
      .execute(),
  ]);
  const releasesOf = Map.groupBy(releases, (row) => row.snapId);
  const overridesOf = Map.groupBy(overrides, (row) => row.snapName);
  return new Map(
    snaps.map((row) => {
      const own = revisions.get(row.snapId) ?? new Map<number, CatalogRevision>();
      const weights = [...own.values()].map((revision) => 4096 + 4 * revision.snapYaml.length);
      const snap: CatalogSnap = {
        snapId: row.snapId,
        name: row.name,
        storeId: row.storeId,
        private: Boolean(row.private),
        type: row.type,
        publisher: {
          id: row.publisherId,
          username: row.username ?? row.publisherId,
          'display-name': row.displayName ?? row.publisherId,
          validation: row.validation ?? 'unproven',
        },
        title: row.title,
        summary: row.summary,
        description: row.description,
        license: row.license ?? '',
        contact: row.contact ?? '',
        website: row.website ?? '',
        links: row.links,
        icon: iconOf(row.media),
        categories: row.categories,
        defaultTrack: row.defaultTrack ?? undefined,
        revisions: own,
        channels: new ChannelMap(
          withOverrides((releasesOf.get(row.snapId) ?? []).map(releaseOf), overridesOf.get(row.name) ?? []),
        ),
        weight: weights.reduce((sum, each) => sum + each, 2048 + 2 * row.description.length),
      };
      return [row.snapId, snap];
    }),
  );
}

async function loadRevisions(
  queries: Queries,
  ids: string[],
): Promise<Map<string, Map<number, CatalogRevision>>> {
  const [rows, deltas, resources, pairs] = await Promise.all([
    queries.selectFrom('SnapRevision').selectAll().where('snapId', 'in', ids).execute(),
    // Size 0 remembers a delta that did not pay (src/activities/deltas.ts).
    queries.selectFrom('Delta').selectAll().where('snapId', 'in', ids).where('size', '>', 0).execute(),
    queries.selectFrom('SnapResource').selectAll().where('snapId', 'in', ids).execute(),
    queries.selectFrom('SnapResourcePair').selectAll().where('snapId', 'in', ids).execute(),
  ]);
  const deltasOf = Map.groupBy(deltas, (row) => `${row.snapId} ${row.targetRevision}`);
  const pairsOf = Map.groupBy(pairs, (row) => `${row.snapId} ${row.snapRevision}`);
  const resourceOf = new Map(resources.map((row) => [`${row.snapId} ${row.name} ${row.revision}`, row]));
  const bySnap = new Map<string, Map<number, CatalogRevision>>();
  for (const row of rows) {
    const key = `${row.snapId} ${row.revision}`;
    const components = (pairsOf.get(key) ?? []).flatMap((pair) => {
      const found = resourceOf.get(`${row.snapId} ${pair.resourceName} ${pair.resourceRevision}`);
      if (found === undefined) return [];
      const { name, type, revision, version, description, createdAt, size } = found;
      return [
        { name, type, revision, version, description, createdAt, size: Number(size), digest: found.sha3_384 },
      ];
    });
    const own = bySnap.get(row.snapId) ?? new Map<number, CatalogRevision>();
    bySnap.set(row.snapId, own);
    own.set(row.revision, {
      revision: row.revision,
      version: row.version,
      type: row.type,
      architectures: row.architectures,
      base: row.base ?? undefined,
      confinement: row.confinement,
      epoch: row.epoch,
      snapYaml: row.snapYaml,
      createdAt: row.createdAt,
      digest: row.sha3_384,
      size: Number(row.size),
      deltas: (deltasOf.get(key) ?? []).map((delta) => ({
        format: delta.format,
        source: delta.sourceRevision,
        digest: delta.sha3_384,
        size: Number(delta.size),
      })),
      components,
    });
  }
  return bySnap;
}

interface ReleaseRow {
  readonly id: number;
  readonly track: string;
  readonly risk: string;
  readonly branch: string;
  readonly architecture: string;
  readonly revision: number | null;
  readonly releasedAt: string;
  readonly expiresAt: string | null;
  readonly percentage: number | null;
  readonly progressiveKey: string | null;
  readonly paused: boolean | number;
  readonly endedAt: string | null;
}

function releaseOf(row: ReleaseRow): Release {
  return {
    channel: {
      track: row.track,
      risk: isRisk(row.risk) ? row.risk : 'edge',
      branch: row.branch === '' ? undefined : row.branch,
    },
    architecture: row.architecture,
    revision: row.revision ?? undefined,
    releasedAt: new Date(row.releasedAt),
    expiresAt: row.expiresAt === null ? undefined : new Date(row.expiresAt),
    rollout:
      row.percentage === null
        ? undefined
        : {
            percentage: row.percentage,
            paused: Boolean(row.paused),
            key: row.progressiveKey ?? `release-${row.id}`,
          },
    endedAt: row.endedAt === null ? undefined : new Date(row.endedAt),
  };
}

interface OverrideRow {
  readonly channel: string;
  readonly architecture: string;
  readonly revision: number;
  readonly changedAt: string;
}

/** An operator's override takes the place of everything the channel held for that architecture. */
function withOverrides(releases: readonly Release[], overrides: readonly OverrideRow[]): Release[] {
  let result = [...releases];
  for (const row of overrides) {
    const channel = parseChannel(row.channel);
    const replaced = (release: Release): boolean =>
      release.channel.track === channel.track &&
      release.channel.risk === channel.risk &&
      release.channel.branch === channel.branch &&
      (release.architecture === row.architecture || row.architecture === ANY_ARCHITECTURE);
    const rest = result.filter((release) => !replaced(release));
    const times = result.map((release) => release.releasedAt.getTime());
    const releasedAt = new Date(Math.max(new Date(row.changedAt).getTime(), ...times));
    const { architecture, revision } = row;
    result = [
      ...rest,
      {
        channel,
        architecture,
        revision,
        releasedAt,
        expiresAt: undefined,
        rollout: undefined,
        endedAt: undefined,
      },
    ];
  }
  return result;
}

interface MediaRow {
  readonly type: string;
  readonly width?: number;
  readonly height?: number;
  readonly sha3_384?: string;
}

/** Only an icon whose file is here: a device behind this host would wait long for any other (snapd issue 15884). */
function iconOf(media: readonly MediaRow[]): CatalogIcon | undefined {
  const icon = media.find((each) => each.type === 'icon' && each.sha3_384 !== undefined);
  if (icon?.sha3_384 === undefined) return undefined;
  return { digest: icon.sha3_384, width: icon.width, height: icon.height };
}
