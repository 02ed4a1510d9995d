import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  channelName,
  ChannelMap,
  decide,
  type Epoch,
  parseChannel,
  type Release,
  resolveChannel,
  RISKS,
  rolloutPosition,
  type SnapRequest,
} from '../../src/snaps/index.ts';

const ARCHITECTURES = ['amd64', 'arm64', 'all'] as const;
const DAY = 24 * 60 * 60 * 1000;
const START = Date.UTC(2026, 0, 1);

interface Act {
  readonly channel: string;
  readonly architecture: string;
  readonly revision: number | undefined;
  readonly day: number;
  readonly expiresDay: number | undefined;
  readonly endedDay: number | undefined;
  readonly percentage: number | undefined;
  readonly paused: boolean;
}

const act: fc.Arbitrary<Omit<Act, 'day'>> = fc.record({
  channel: fc.constantFrom(
    'latest/stable',
    'latest/candidate',
    'latest/beta',
    'latest/edge',
    '2.0/stable',
    '2.0/edge',
    'latest/edge/fix',
  ),
  architecture: fc.constantFrom(...ARCHITECTURES),
  revision: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined, freq: 4 }),
  expiresDay: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined, freq: 6 }),
  endedDay: fc.option(fc.integer({ min: 1, max: 16 }), { nil: undefined, freq: 2 }),
  percentage: fc.option(fc.constantFrom(0, 30, 70, 100), { nil: undefined, freq: 3 }),
  paused: fc.boolean(),
});
const acts = fc
  .array(act, { maxLength: 14 })
  .map((list) => list.map((each, i): Act => ({ ...each, day: i })));

const date = (day: number) => new Date(START + day * DAY);

const release = (a: Act, index: number): Release => ({
  channel: parseChannel(a.channel),
  architecture: a.architecture,
  revision: a.revision,
  releasedAt: date(a.day),
  expiresAt: a.expiresDay === undefined ? undefined : date(a.expiresDay),
  endedAt: a.endedDay === undefined ? undefined : date(a.endedDay),
  rollout:
    a.percentage === undefined ? undefined : { percentage: a.percentage, paused: a.paused, key: `r${index}` },
});

/** The plain model: walk the acts backwards and stop at the first that answers. */
function model(
  list: readonly Act[],
  q: {
    channel: string;
    architecture: string;
    day: number;
    device: string | undefined;
    installed: number | undefined;
    readable: ReadonlySet<number>;
  },
): { revision: number; channel: string } | undefined {
  const [track = '', risk = '', branch] = q.channel.split('/');
  const places = branch === undefined ? [] : [q.channel];
  for (let i = RISKS.findIndex((r) => r === risk); i >= 0; i--) places.push(`${track}/${RISKS[i]}`);
  for (const place of places) {
    let included = 0;
    const known = list
      .map((a, i) => ({ ...a, i }))
      .reverse()
      .filter(
        (a) => a.day <= q.day && a.channel === place && [q.architecture, 'all'].includes(a.architecture),
      );
    const everybody = (a: Act) => a.percentage === undefined || (a.percentage >= 100 && !a.paused);
    const live = known.filter((a) => a.endedDay === undefined || a.endedDay > q.day);
    const past = live.length === 0 ? [] : known.filter((a) => !live.includes(a) && everybody(a));
    for (const a of [...live, ...past]) {
      if (a.revision === undefined || (a.expiresDay !== undefined && a.expiresDay <= q.day)) break;
      const has = a.revision === q.installed;
      const drawn = q.device !== undefined && rolloutPosition(`r${a.i}`, q.device) < (a.percentage ?? 100);
      if (!everybody(a) && !has && (a.paused || !drawn)) continue;
      included++;
      if (q.readable.has(a.revision)) return { revision: a.revision, channel: place };
    }
    if (included > 0) return undefined;
  }
  return undefined;
}

describe('resolving a channel', () => {
  it('agrees with the plain model on any history', () => {
    fc.assert(
      fc.property(
        acts,
        fc.constantFrom(
          'latest/stable',
          'latest/edge',
          'latest/edge/fix',
          'latest/beta',
          '2.0/edge',
          '3.0/stable',
        ),
        fc.constantFrom('amd64', 'arm64', 'riscv64'),
        fc.integer({ min: 0, max: 16 }),
        fc.option(fc.constantFrom('device-1', 'device-2', 'device-3'), { nil: undefined }),
        fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
        fc.uniqueArray(fc.integer({ min: 1, max: 6 })).map((list) => new Set(list)),
        (list, channel, architecture, day, device, installed, readable) => {
          const answer = resolveChannel(new ChannelMap(list.map(release)), {
            channel: parseChannel(channel),
            architecture,
            at: date(day),
            defaultTrack: undefined,
            followsDefaultTrack: true,
            identity: device,
            installed,
            acceptable: (revision) => readable.has(revision),
          });
          const expected = model(list, { channel, architecture, day, device, installed, readable });
          const actual = answer.found
            ? { revision: answer.release.revision, channel: channelName(answer.effective) }
            : undefined;
          expect(actual).toEqual(expected);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('never takes a revision away from a device while a rollout grows', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 0, max: 100 }),
        (device, a, b) => {
          const [less, more] = [Math.min(a, b), Math.max(a, b)];
          const at = (percentage: number) => {
            const map = new ChannelMap([
              release(
                {
                  channel: 'latest/stable',
                  architecture: 'all',
                  revision: 1,
                  day: 0,
                  expiresDay: undefined,
                  endedDay: undefined,
                  percentage: undefined,
                  paused: false,
                },
                0,
              ),
              release(
                {
                  channel: 'latest/stable',
                  architecture: 'all',
                  revision: 2,
                  day: 1,
                  expiresDay: undefined,
                  endedDay: undefined,
                  percentage,
                  paused: false,
                },
                1,
              ),
            ]);
            const answer = resolveChannel(map, {
              channel: parseChannel('stable'),
              architecture: 'amd64',
              at: date(2),
              defaultTrack: undefined,
              followsDefaultTrack: false,
              identity: device,
              installed: undefined,
              acceptable: () => true,
            });
            return answer.found ? answer.release.revision : 0;
          };
          expect(at(more)).toBeGreaterThanOrEqual(at(less));
          expect(at(100)).toBe(2);
          expect(at(0)).toBe(1);
        },
      ),
    );
  });

  it('gives a rollout to about the share that it names', () => {
    const inside = Array.from({ length: 4000 }, (_, i) => rolloutPosition('release', `device-${i}`)).filter(
      (p) => p < 25,
    );
    expect(inside.length / 4000).toBeGreaterThan(0.2);
    expect(inside.length / 4000).toBeLessThan(0.3);
  });
});

describe('stepping through epochs', () => {
  const epochs = fc
    .uniqueArray(fc.nat(6), { minLength: 1, maxLength: 4 })
    .map((list) => list.sort((a, b) => a - b));

  it('always ends, and each step can read the one before it', () => {
    fc.assert(
      fc.property(fc.array(epochs, { minLength: 1, maxLength: 8 }), fc.nat(6), (reads, generation) => {
        const revisions = new Map(
          reads.map(
            (read, i) =>
              [
                i + 1,
                { revision: i + 1, architectures: ['all'], epoch: { read, write: read.slice(-1) } },
              ] as const,
          ),
        );
        const channels = new ChannelMap(
          reads.map((_, i): Release => ({
            channel: parseChannel('stable'),
            architecture: 'all',
            revision: i + 1,
            releasedAt: date(i),
            expiresAt: undefined,
            rollout: undefined,
            endedAt: undefined,
          })),
        );
        const snap = { snapId: 's', defaultTrack: undefined, channels, revisions };
        let epoch: Epoch = { read: [generation], write: [generation] };
        let installed = 0;
        for (let step = 0; ; step++) {
          expect(step).toBeLessThanOrEqual(40);
          const decision = decide(snap, {
            ...plain,
            installed: { revision: installed, epoch },
            at: date(99),
          });
          if (decision.kind !== 'revision') break;
          const next = decision.revision;
          expect(next.epoch.read.some((n) => epoch.write.includes(n))).toBe(true);
          // The newest that can be read: nothing newer in the channel could have been taken.
          for (let newer = next.revision + 1; newer <= reads.length; newer++) {
            expect(revisions.get(newer)?.epoch.read.some((n) => epoch.write.includes(n))).toBe(false);
          }
          if (next.revision <= installed) break;
          epoch = next.epoch;
          installed = next.revision;
        }
      }),
    );
  });
});

const plain: SnapRequest = {
  action: 'refresh',
  architecture: 'amd64',
  channel: undefined,
  revision: undefined,
  installed: undefined,
  tracking: parseChannel('latest/stable'),
  constraint: { kind: 'free' },
  followsDefaultTrack: true,
  identity: 'device',
  at: date(0),
};
