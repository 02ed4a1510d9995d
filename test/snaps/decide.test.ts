import { describe, expect, it } from 'vitest';
import {
  ChannelMap,
  cohortMoment,
  COHORT_WINDOW_MS,
  decide,
  EPOCH_ZERO,
  makeCohortKey,
  parseChannel,
  readCohortKey,
  type Release,
  type SnapRequest,
} from '../../src/snaps/index.ts';

const now = new Date('2026-06-01T00:00:00Z');
const released = (channel: string, revision: number | undefined, day = 1, architecture = 'all'): Release => ({
  channel: parseChannel(channel),
  architecture,
  revision,
  releasedAt: new Date(Date.UTC(2026, 0, day)),
  expiresAt: undefined,
  rollout: undefined,
  endedAt: undefined,
});
const revision = (number: number, architectures: string[] = ['all'], epoch = EPOCH_ZERO) =>
  [number, { revision: number, architectures, epoch }] as const;

const snap = {
  snapId: 'a'.repeat(32),
  defaultTrack: '2.0',
  revisions: new Map([
    revision(1),
    revision(2),
    revision(3),
    revision(4, ['arm64']),
    revision(5, ['all'], { read: [1], write: [1] }),
  ]),
  channels: new ChannelMap([
    released('latest/stable', 2),
    released('latest/edge', 3),
    { ...released('latest/candidate', 3), endedAt: new Date(Date.UTC(2026, 0, 2)) },
    released('latest/candidate', undefined, 2),
    released('2.0/stable', 1),
    released('5/stable', 5),
  ]),
};
const install: SnapRequest = {
  action: 'install',
  architecture: 'amd64',
  channel: undefined,
  revision: undefined,
  installed: undefined,
  tracking: undefined,
  constraint: { kind: 'free' },
  followsDefaultTrack: true,
  identity: undefined,
  at: now,
};

describe('an install', () => {
  it('without a channel goes to the default track, and says so', () => {
    expect(decide(snap, install)).toMatchObject({
      kind: 'revision',
      revision: { revision: 1 },
      redirect: { track: '2.0', risk: 'stable' },
    });
  });

  it('stays on latest for a client that does not know default tracks', () => {
    expect(decide(snap, { ...install, followsDefaultTrack: false })).toMatchObject({
      revision: { revision: 2 },
      redirect: undefined,
    });
  });

  it('that names latest gets latest', () => {
    expect(decide(snap, { ...install, channel: parseChannel('latest/stable') })).toMatchObject({
      revision: { revision: 2 },
      redirect: undefined,
    });
  });

  it('of a closed channel falls back to the safer risk', () => {
    expect(decide(snap, { ...install, channel: parseChannel('latest/candidate') })).toMatchObject({
      revision: { revision: 2 },
      effective: { risk: 'stable' },
    });
  });

  it('of a revision needs no channel that holds it', () => {
    expect(decide(snap, { ...install, revision: 1 })).toMatchObject({
      kind: 'revision',
      revision: { revision: 1 },
    });
  });

  it.each([
    ['a revision that does not exist', { revision: 99 }],
    ['a revision for another architecture', { revision: 4 }],
    ['a track that was never used', { channel: parseChannel('9.9/stable') }],
    [
      'data that no revision of the channel can read',
      { channel: parseChannel('5'), installed: { revision: undefined, epoch: EPOCH_ZERO } },
    ],
  ])('of %s is refused with the releases that exist', (_, change) => {
    const decision = decide(snap, { ...install, ...change });
    expect(decision).toMatchObject({ kind: 'error', code: 'revision-not-found' });
    expect(decision).toHaveProperty('releases', [
      { architecture: 'all', channel: '2.0/stable' },
      { architecture: 'all', channel: '5/stable' },
      { architecture: 'all', channel: 'latest/stable' },
      { architecture: 'all', channel: 'latest/edge' },
    ]);
  });
});

describe('a refresh', () => {
  const refresh: SnapRequest = {
    ...install,
    action: 'refresh',
    installed: { revision: 1, epoch: EPOCH_ZERO },
    tracking: parseChannel('stable'),
  };

  it('follows the tracked channel and is never sent to the default track', () => {
    expect(decide(snap, refresh)).toMatchObject({ revision: { revision: 2 }, redirect: undefined });
  });

  it('says so when the device has what it would get', () => {
    expect(decide(snap, { ...refresh, installed: { revision: 2, epoch: EPOCH_ZERO } }).kind).toBe(
      'up-to-date',
    );
  });

  it('prefers the channel of the action', () => {
    expect(decide(snap, { ...refresh, channel: parseChannel('latest/edge') })).toMatchObject({
      revision: { revision: 3 },
    });
  });
});

describe('validation sets', () => {
  it('pin the revision', () => {
    expect(decide(snap, { ...install, constraint: { kind: 'pinned', revision: 3 } })).toMatchObject({
      revision: { revision: 3 },
    });
  });

  it('refuse another revision than theirs', () => {
    expect(
      decide(snap, { ...install, revision: 1, constraint: { kind: 'pinned', revision: 3 } }),
    ).toMatchObject({ code: 'revision-conflict' });
    expect(decide(snap, { ...install, constraint: { kind: 'conflict', revisions: [1, 3] } })).toMatchObject({
      code: 'revision-conflict',
    });
  });

  it('can forbid a snap', () => {
    expect(decide(snap, { ...install, constraint: { kind: 'forbidden' } })).toMatchObject({
      code: 'revision-not-found',
    });
  });
});

describe('a cohort', () => {
  const secret = Buffer.alloc(32, 7);
  const made = new Date('2026-01-01T12:00:00Z');
  const key = makeCohortKey(snap.snapId, made, '0123456789abcdef', secret);

  it('sees the map of the moment it was made, for 90 days at a time', () => {
    const cohort = readCohortKey(key, snap.snapId, [Buffer.alloc(32), secret]);
    expect(cohort.createdAt).toEqual(made);
    expect(cohortMoment(cohort, new Date(made.getTime() + COHORT_WINDOW_MS - 1))).toEqual(made);
    expect(cohortMoment(cohort, new Date(made.getTime() + COHORT_WINDOW_MS))).toEqual(
      new Date(made.getTime() + COHORT_WINDOW_MS),
    );
    expect(cohortMoment(cohort, new Date(0))).toEqual(made);
  });

  it('has a key that nobody else can make, for one snap', () => {
    const wrong = [
      () => readCohortKey(key, 'b'.repeat(32), [secret]),
      () => readCohortKey(key, snap.snapId, [Buffer.alloc(32)]),
      () => readCohortKey(key.slice(0, -1) + (key.endsWith('A') ? 'B' : 'A'), snap.snapId, [secret]),
      () => readCohortKey('x'.repeat(100_000), snap.snapId, [secret]),
      () => readCohortKey('', snap.snapId, [secret]),
    ];
    for (const attempt of wrong)
      expect(attempt).toThrow(expect.objectContaining({ code: 'cohort-key-invalid' }));
  });
});
