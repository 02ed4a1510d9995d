import { channelName, RISKS } from '../../snaps/index.ts';
import type { releasesOf, revisionsOf } from '../../storage/authority/index.ts';

type Release = Awaited<ReturnType<typeof releasesOf>>[number];
type Revision = Awaited<ReturnType<typeof revisionsOf>>[number];

/** Of releases: nothing is known beyond who gets it; clients refuse one key more or less (protocol/publishers.md, section 7.2). */
const FOR_EVERYBODY = { paused: null, percentage: null, 'current-percentage': null } as const;

/** The name of the channel that a release is in. */
function nameOf({ track, risk, branch }: Release): string {
  return [track, risk, ...(branch === '' ? [] : [branch])].join('/');
}

function isOpen(release: Release): release is Release & { revision: number } {
  return release.endedAt === null && release.revision !== null;
}

/** What each channel holds now, as `snapcraft status` reads it. */
export function channelMap(releases: readonly Release[]) {
  return releases.filter(isOpen).map((release) => ({
    architecture: release.architecture,
    channel: nameOf(release),
    'expiration-date': release.expiresAt,
    revision: release.revision,
    progressive: FOR_EVERYBODY,
    when: release.releasedAt,
  }));
}

/** One revision, as `snapcraft revisions` reads it. */
export function revisionRow(revision: Revision) {
  return {
    architectures: revision.architectures,
    attributes: {},
    base: revision.base,
    build_url: null,
    confinement: revision.confinement,
    created_at: revision.createdAt,
    epoch: revision.epoch,
    grade: revision.grade,
    revision: revision.revision,
    'sha3-384': revision.sha3_384,
    size: revision.size,
    status: 'Published',
    version: revision.version,
  };
}

/** One release, present or past, as `snapcraft revisions` reads it. */
export function releaseRow(release: Release) {
  return {
    architecture: release.architecture,
    branch: release.branch === '' ? null : release.branch,
    channel: nameOf(release),
    'expiration-date': release.expiresAt,
    revision: release.revision,
    risk: release.risk,
    track: release.track,
    when: release.releasedAt,
    progressive: FOR_EVERYBODY,
  };
}

/** Every channel of each track, with the one that it falls back to. */
export function snapChannels(releases: readonly Release[]) {
  const tracks = [...new Set(['latest', ...releases.map(({ track }) => track)])];
  return tracks.flatMap((track) =>
    RISKS.map((risk, index) => {
      const safer = RISKS[index - 1];
      return {
        name: channelName({ track, risk, branch: undefined }),
        track,
        risk,
        branch: null,
        fallback: safer ? channelName({ track, risk: safer, branch: undefined }) : null,
      };
    }),
  );
}

/** Track, series, architecture, then one entry for each risk: `specific`, `tracking` the safer one, or `none`. */
export function channelMapTree(releases: readonly Release[], revisions: readonly Revision[]) {
  const versions = new Map(revisions.map(({ revision, version }) => [revision, version]));
  const open = releases.filter(isOpen).filter(({ branch }) => branch === '');
  const tracks = [...new Set(open.map(({ track }) => track))];
  return Object.fromEntries(
    tracks.map((track) => {
      const inTrack = open.filter((release) => release.track === track);
      const architectures = [...new Set(inTrack.map(({ architecture }) => architecture))];
      const byArchitecture = architectures.map((architecture) => {
        const mine = inTrack.filter((release) => release.architecture === architecture);
        return [architecture, risksOf(mine, versions)] as const;
      });
      return [track, { '16': Object.fromEntries(byArchitecture) }];
    }),
  );
}

function risksOf(
  releases: readonly (Release & { revision: number })[],
  versions: ReadonlyMap<number, string>,
) {
  let covered = false;
  return RISKS.map((channel) => {
    const release = releases.find(({ risk }) => risk === channel);
    if (release) {
      covered = true;
      const { revision } = release;
      return { channel, info: 'specific', revision, version: versions.get(revision) ?? '' };
    }
    return { channel, info: covered ? 'tracking' : 'none' };
  });
}
