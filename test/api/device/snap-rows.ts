import type { Database } from '../../../src/storage/index.ts';
import { isRisk, parseChannel, parseSnapYaml } from '../../../src/snaps/index.ts';

export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

/** A revision for the tables; the rest of its row comes from its snap.yaml. */
export interface RevisionRow {
  readonly revision: number;
  readonly sha3_384: string;
  readonly size: number;
  readonly snapYaml: string;
  readonly createdAt?: Date;
}

/** A release for the tables; `all` devices, from long ago, unless told. */
export interface ReleaseRow {
  readonly channel: string;
  readonly revision: number | null;
  readonly architecture?: string;
  readonly releasedAt?: Date;
  readonly endedAt?: Date;
  readonly expiresAt?: Date;
  readonly percentage?: number;
  readonly paused?: boolean;
}

/** A snap for the tables. */
export interface SnapRows {
  readonly snapId: string;
  readonly name: string;
  readonly storeId: string;
  readonly private: boolean;
  readonly publisherId: string;
  readonly type?: string;
  readonly title?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly defaultTrack?: string;
  readonly category?: string;
  readonly icon?: string;
  readonly revisions: readonly RevisionRow[];
  readonly releases: readonly ReleaseRow[];
}

const LONG_AGO = new Date('2026-01-01T00:00:00Z');

/** Puts a snap with its revisions and releases into the tables. */
export async function addSnap(queries: Transaction, snap: SnapRows): Promise<void> {
  const { snapId } = snap;
  const at = LONG_AGO.toISOString();
  await queries
    .insertInto('Snap')
    .values({
      snapId,
      name: snap.name,
      storeId: snap.storeId,
      publisherId: snap.publisherId,
      private: snap.private,
      type: snap.type ?? 'app',
      title: snap.title ?? snap.name,
      summary: snap.summary ?? `summary of ${snap.name}`,
      description: snap.description ?? `What ${snap.name} does.`,
      license: 'Apache-2.0',
      contact: null,
      website: null,
      links: {},
      media:
        snap.icon === undefined
          ? []
          : [{ type: 'icon', url: '', width: 64, height: 64, sha3_384: snap.icon }],
      categories: [{ name: snap.category ?? 'utilities', featured: false }],
      defaultTrack: snap.defaultTrack ?? null,
      createdAt: at,
      changedAt: at,
    })
    .execute();
  if (snap.revisions.length > 0) {
    await queries
      .insertInto('SnapRevision')
      .values(snap.revisions.map((revision) => revisionRow(snapId, revision)))
      .execute();
  }
  if (snap.releases.length > 0) {
    await queries
      .insertInto('ChannelRelease')
      .values(snap.releases.map((release) => releaseRow(snapId, release)))
      .execute();
  }
}

function revisionRow(snapId: string, revision: RevisionRow) {
  const yaml = parseSnapYaml(revision.snapYaml);
  return {
    snapId,
    revision: revision.revision,
    sha3_384: revision.sha3_384,
    size: revision.size,
    version: yaml.version,
    type: yaml.type,
    architectures: [...yaml.architectures],
    base: yaml.base ?? null,
    confinement: yaml.confinement,
    grade: yaml.grade,
    epoch: { read: [...yaml.epoch.read], write: [...yaml.epoch.write] },
    snapYaml: revision.snapYaml,
    provenance: yaml.provenance,
    createdAt: (revision.createdAt ?? LONG_AGO).toISOString(),
  };
}

/** The row of a release, for those that tests add later. */
export function releaseRow(snapId: string, release: ReleaseRow) {
  const { track, risk, branch } = parseChannel(release.channel);
  if (!isRisk(risk)) throw new Error('not a risk');
  return {
    snapId,
    track,
    risk,
    branch: branch ?? '',
    architecture: release.architecture ?? 'all',
    revision: release.revision,
    releasedAt: (release.releasedAt ?? LONG_AGO).toISOString(),
    expiresAt: release.expiresAt?.toISOString() ?? null,
    percentage: release.percentage ?? null,
    progressiveKey: release.percentage === undefined ? null : `${snapId} ${release.revision}`,
    paused: release.paused ?? false,
    endedAt: release.endedAt?.toISOString() ?? null,
  };
}
