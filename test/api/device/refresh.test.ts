import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatTimestamp, signAssertion } from '../../../src/assertions/index.ts';
import { addAssertions } from '../../../src/storage/index.ts';
import { infoReply } from '../../support/device-replies.ts';
import { Client } from './client.ts';
import { releaseRow } from './snap-rows.ts';
import { makeWorld, snapIdOf, type World } from './world.ts';

let world: World;
let acme: Client;

beforeAll(async () => {
  world = await makeWorld();
  await world.addSnap({ name: 'snapd', storeId: 'acme-store', type: 'snapd' });
  await world.addSnap({
    name: 'agent',
    storeId: 'acme-store',
    private: true,
    revisions: 4,
    defaultTrack: '2.0',
    yaml: ['base: core24', 'apps: {agent: {command: x}}'],
    releases: [
      { channel: 'latest/stable', revision: 2 },
      { channel: 'latest/edge', revision: 3 },
      { channel: '2.0/stable', revision: 4 },
      { channel: 'latest/edge/fix', revision: 4, expiresAt: new Date('2026-07-01T00:00:00Z') },
    ],
  });
  await world.addSnap({
    name: 'rolling',
    storeId: 'acme-store',
    releases: [
      { channel: 'latest/stable', revision: 1 },
      {
        channel: 'latest/stable',
        revision: 2,
        percentage: 100,
        paused: true,
        releasedAt: new Date('2026-05-01T00:00:00Z'),
      },
    ],
  });
  await world.addSnap({
    name: 'arm-only',
    storeId: 'acme-store',
    yaml: ['architectures: [arm64]'],
    releases: [{ channel: 'latest/stable', revision: 1, architecture: 'arm64' }],
  });
  acme = new Client(world, await world.session(world.acme));
});

afterAll(() => world.close());

const agent = snapIdOf('agent');
const installed = (name: string, revision: number, more: object = {}) => ({
  'snap-id': snapIdOf(name),
  'instance-key': snapIdOf(name),
  revision,
  'tracking-channel': 'latest/stable',
  epoch: { read: [0], write: [0] },
  ...more,
});
const refreshOf = (name: string, more: object = {}) => ({
  action: 'refresh',
  'instance-key': snapIdOf(name),
  'snap-id': snapIdOf(name),
  ...more,
});

describe('install', () => {
  it('follows the default track and says where it was sent', async () => {
    expect(await acme.install({ name: 'agent', channel: 'stable' })).toMatchObject({
      result: 'install',
      'instance-key': 'i',
      'snap-id': agent,
      name: 'agent',
      'effective-channel': '2.0/stable',
      'redirect-channel': '2.0/stable',
      snap: { revision: 4 },
    });
  });

  it('says since when the channel has it, but not of a revision that was asked for by its number', async () => {
    const told = await (await acme.ask('/v2/snaps/info/agent?fields=channel-map')).json();
    const [entry] = infoReply.parse(told)['channel-map'];
    const channel = `${entry?.channel.track}/${entry?.channel.risk}`;
    expect(await acme.install({ name: 'agent', channel })).toMatchObject({
      'released-at': entry?.channel['released-at'],
    });
    expect(await acme.install({ name: 'agent', revision: 1 })).not.toHaveProperty('released-at');
  });

  it('stays where it was told to', async () => {
    expect(await acme.install({ name: 'agent', channel: 'latest/stable' })).toMatchObject({
      'effective-channel': 'latest/stable',
      snap: { revision: 2 },
    });
    expect(await acme.install({ name: 'agent', channel: 'latest/candidate' })).toMatchObject({
      'effective-channel': 'latest/stable',
    });
    expect(await acme.install({ name: 'agent', channel: 'latest/edge/fix' })).toMatchObject({
      snap: { revision: 4 },
    });
    expect(await acme.install({ name: 'agent', revision: 1 })).toMatchObject({ snap: { revision: 1 } });
  });

  it('loses a branch when its time is over', async () => {
    const before = world.now;
    world.now = new Date('2026-07-01T00:00:00Z');
    const late = new Client(world, await world.session(world.acme));
    expect(await late.install({ name: 'agent', channel: 'latest/edge/fix' })).toMatchObject({
      'effective-channel': 'latest/edge',
      snap: { revision: 3 },
    });
    world.now = before;
  });

  it('answers each error in the shape that snapd reads', async () => {
    expect(await acme.install({ name: 'no-such-snap' })).toEqual({
      result: 'error',
      'instance-key': 'i',
      'snap-id': '',
      name: 'no-such-snap',
      error: { code: 'name-not-found', message: expect.any(String), extra: { releases: [] } },
    });
    expect(await acme.install({ name: 'agent', channel: '9/stable' })).toMatchObject({
      name: 'agent',
      'snap-id': agent,
      error: {
        code: 'revision-not-found',
        extra: { releases: expect.arrayContaining([{ architecture: 'all', channel: 'latest/edge' }]) },
      },
    });
    expect(await acme.install({ name: 'arm-only' })).toMatchObject({
      error: {
        code: 'revision-not-found',
        extra: { releases: [{ architecture: 'arm64', channel: 'latest/stable' }] },
      },
    });
    expect(await acme.install({ name: 'agent', channel: 'not a channel' })).toMatchObject({
      error: { code: 'channel-invalid' },
    });
    expect(await acme.install({ name: 'agent', 'cohort-key': 'made up' })).toMatchObject({
      error: { code: 'cohort-key-invalid' },
    });
    expect(await acme.install({ name: 'agent', epoch: { read: [2], write: [3] } })).toMatchObject({
      error: { code: 'epoch-invalid' },
    });
  });

  it('gives a device of another architecture its own', async () => {
    const arm = new Client(world, await world.session(world.acme), { 'snap-device-architecture': 'arm64' });
    expect(await arm.install({ name: 'arm-only' })).toMatchObject({
      snap: { revision: 1, architectures: ['arm64'] },
    });
  });

  it('tells of a snap what the fields ask for, with a digest in hex and an absolute address', async () => {
    const { results } = await acme.refresh(
      [{ action: 'install', 'instance-key': 'i', name: 'agent', channel: 'latest/stable' }],
      {
        fields: ['download', 'base', 'snap-yaml', 'type', 'epoch', 'no-such-field'],
      },
    );
    const digest = world.snaps['agent']?.digests[1];
    expect(results[0]?.['snap']).toEqual({
      base: 'core24',
      download: {
        'sha3-384': digest,
        size: expect.any(Number),
        url: `${world.url}/api/v1/snaps/download/${agent}_2.snap`,
        deltas: [],
      },
      epoch: { read: [0], write: [0] },
      'snap-yaml': expect.stringContaining('name: agent'),
      type: 'app',
    });
  });
});

describe('refresh', () => {
  it('leaves out what is up to date and answers what is not', async () => {
    const context = [installed('agent', 2), installed('rolling', 9)];
    const { results } = await acme.refresh([refreshOf('agent'), refreshOf('rolling')], { context });
    expect(results.map((each) => each['name'])).toEqual(['rolling']);
  });

  it('keeps parallel instances apart', async () => {
    const second = { 'instance-key': `${agent}:x` };
    const context = [
      installed('agent', 2),
      installed('agent', 2, { ...second, 'tracking-channel': 'latest/edge' }),
    ];
    const { results } = await acme.refresh([refreshOf('agent'), refreshOf('agent', second)], { context });
    expect(results).toMatchObject([{ 'instance-key': `${agent}:x`, snap: { revision: 3 } }]);
  });

  it('names a snap that is not there by its id', async () => {
    const { results } = await acme.refresh([refreshOf('gone')], { context: [installed('gone', 1)] });
    expect(results).toMatchObject([
      { result: 'error', 'instance-key': snapIdOf('gone'), error: { code: 'id-not-found' } },
    ]);
  });

  it('puts snapd first, which must read newer declarations before others need them', async () => {
    const context = [installed('agent', 1), installed('snapd', 9)];
    const { results } = await acme.refresh([refreshOf('agent'), refreshOf('snapd')], { context });
    expect(results.map((each) => each['name'])).toEqual(['snapd', 'agent']);
  });

  it('gives a paused rollout to those who have it and to nobody else', async () => {
    const one = await acme.refresh([refreshOf('rolling')], { context: [installed('rolling', 9)] });
    expect(one.results).toMatchObject([{ snap: { revision: 1 } }]);
    const two = await acme.refresh([refreshOf('rolling')], { context: [installed('rolling', 2)] });
    expect(two.results).toEqual([]);
  });

  it('offers a delta from the installed revision to a client that takes them', async () => {
    await world.change((queries) =>
      queries
        .insertInto('Delta')
        .values({
          snapId: agent,
          format: 'xdelta3',
          sourceRevision: 1,
          targetRevision: 2,
          sourceSha3_384: 'a'.repeat(96),
          targetSha3_384: 'b'.repeat(96),
          sha3_384: 'c'.repeat(96),
          size: 10,
          createdAt: world.now.toISOString(),
        })
        .execute(),
    );
    const ask = async (revision: number, headers: Record<string, string>) => {
      const { results } = await acme.refresh(
        [refreshOf('agent')],
        { context: [installed('agent', revision)] },
        headers,
      );
      return results[0]?.['snap'];
    };
    const takes = { 'snap-accept-delta-format': 'snap-1-1-xdelta3,xdelta3' };
    expect(await ask(1, takes)).toMatchObject({
      download: {
        deltas: [{ format: 'xdelta3', source: 1, target: 2, size: 10, 'sha3-384': 'c'.repeat(96) }],
      },
    });
    expect(await ask(1, {})).toMatchObject({ download: { deltas: [] } });
    expect(await ask(3, takes)).toMatchObject({ download: { deltas: [] } });
  });

  it('steps through epochs in the channel’s past', async () => {
    await world.addSnap({
      name: 'epochal',
      storeId: 'acme-store',
      revisions: 2,
      releases: [
        { channel: 'latest/stable', revision: 1, endedAt: new Date('2026-02-01T00:00:00Z') },
        { channel: 'latest/stable', revision: 2, releasedAt: new Date('2026-02-01T00:00:00Z') },
      ],
    });
    await world.change(async (queries) => {
      const set = (revision: number, epoch: { read: number[]; write: number[] }) =>
        queries
          .updateTable('SnapRevision')
          .set({ epoch })
          .where('snapId', '=', snapIdOf('epochal'))
          .where('revision', '=', revision)
          .execute();
      await set(1, { read: [0, 1], write: [1] });
      await set(2, { read: [1, 2], write: [2] });
    });
    const at = async (revision: number, generation: number) => {
      const epoch = { read: [generation], write: [generation] };
      const { results } = await acme.refresh([refreshOf('epochal')], {
        context: [installed('epochal', revision, { epoch })],
      });
      return results[0]?.['snap'];
    };
    expect(await at(9, 0)).toMatchObject({ revision: 1 });
    expect(await at(1, 1)).toMatchObject({ revision: 2 });
  });

  it('lets a cohort stay on the revisions of the moment when it was made', async () => {
    await world.addSnap({
      name: 'cohortal',
      storeId: 'acme-store',
      releases: [{ channel: 'latest/stable', revision: 1 }],
    });
    const made = await (await acme.ask('/v2/cohorts', { snaps: ['cohortal'] })).json();
    const key = (made as { 'cohort-keys': Record<string, string> })['cohort-keys']['cohortal'];
    const released = new Date(world.now.getTime() + 1000);
    await world.change(async (queries) => {
      await queries
        .updateTable('ChannelRelease')
        .set({ endedAt: released.toISOString() })
        .where('snapId', '=', snapIdOf('cohortal'))
        .execute();
      await queries
        .insertInto('ChannelRelease')
        .values(
          releaseRow(snapIdOf('cohortal'), { channel: 'latest/stable', revision: 2, releasedAt: released }),
        )
        .execute();
    });
    world.now = new Date(released.getTime() + 60_000);
    expect(await acme.install({ name: 'cohortal' })).toMatchObject({ snap: { revision: 2 } });
    expect(await acme.install({ name: 'cohortal', 'cohort-key': key })).toMatchObject({
      snap: { revision: 1 },
    });
  });

  it('answers components with the snap, also when the snap itself is up to date', async () => {
    const row = { snapId: agent, createdAt: world.now.toISOString() };
    await world.change(async (queries) => {
      await queries
        .insertInto('SnapResource')
        .values({
          ...row,
          name: 'drivers',
          type: 'component/standard',
          revision: 7,
          version: '1',
          description: '',
          sha3_384: 'd'.repeat(96),
          size: 5,
        })
        .execute();
      await queries
        .insertInto('SnapResourcePair')
        .values({ snapId: agent, snapRevision: 2, resourceName: 'drivers', resourceRevision: 7 })
        .execute();
    });
    const { results } = await acme.refresh([refreshOf('agent')], {
      context: [installed('agent', 2)],
      fields: ['resources', 'revision'],
    });
    expect(results).toMatchObject([
      {
        snap: {
          revision: 2,
          resources: [
            {
              name: 'drivers',
              type: 'component/standard',
              revision: 7,
              download: {
                'sha3-384': 'd'.repeat(96),
                size: 5,
                url: `${world.url}/api/v1/snaps/download/${agent}+drivers_7.comp`,
              },
            },
          ],
        },
      },
    ]);
  });

  it('keeps to the validation sets that a device follows', async () => {
    const at = new Date('2025-01-01T00:00:00Z');
    const set = await signAssertion(
      {
        type: 'validation-set',
        headers: {
          'authority-id': 'acme',
          series: '16',
          'account-id': 'acme',
          name: 'tested',
          sequence: '3',
          snaps: [{ name: 'agent', id: agent, presence: 'required', revision: '1' }],
          timestamp: formatTimestamp(at),
        },
      },
      world.acme.serials,
      at,
    );
    await world.change((queries) => addAssertions(queries, [set], { at }));
    const sets = { 'validation-sets': [['16', 'acme', 'tested']] };
    expect(await acme.install({ name: 'agent', ...sets })).toMatchObject({ snap: { revision: 1 } });
    expect(await acme.install({ name: 'agent', revision: 2, ...sets })).toMatchObject({
      error: { code: 'revision-conflict' },
    });
    expect(
      await acme.install({ name: 'agent', revision: 2, 'validation-sets': [['16', 'acme', 'unknown']] }),
    ).toMatchObject({ snap: { revision: 2 } });
  });

  it('obeys an operator’s override at once', async () => {
    expect(await acme.install({ name: 'agent', channel: 'latest/stable' })).toMatchObject({
      snap: { revision: 2 },
    });
    await world.change((queries) =>
      queries
        .insertInto('ChannelOverride')
        .values({
          snapName: 'agent',
          channel: 'latest/stable',
          architecture: 'amd64',
          revision: 1,
          upstreamRevision: 2,
          changedAt: world.now.toISOString(),
        })
        .execute(),
    );
    expect(await acme.install({ name: 'agent', channel: 'latest/stable' })).toMatchObject({
      snap: { revision: 1 },
    });
  });
});

describe('fetch-assertions', () => {
  const declaration = { type: 'snap-declaration', 'primary-key': ['16', agent] };
  const groups = async (...assertions: object[]) => {
    const { results } = await acme.refresh([{ action: 'fetch-assertions', key: 'g', assertions }], {
      'assertion-max-formats': { 'snap-declaration': 7 },
    });
    return results[0] ?? { result: 'none' };
  };

  it('answers a group with addresses of what is newer, which hold exactly that', async () => {
    const result = await groups(declaration, { type: 'account', 'primary-key': ['acme'] });
    expect(result).toMatchObject({ result: 'fetch-assertions', key: 'g' });
    const [address = ''] = result['assertion-stream-urls'] as string[];
    const reply = await acme.ask(address.slice(world.url.length));
    expect(reply.headers.get('content-type')).toBe('application/x.ubuntu.assertion');
    expect((await reply.text()).match(/^type: .*$/gm)).toEqual(['type: snap-declaration', 'type: account']);
  });

  it('answers a group with nothing newer by an empty list, never by silence', async () => {
    expect(await groups({ ...declaration, 'if-newer-than': 0 })).toEqual({
      result: 'fetch-assertions',
      key: 'g',
      'assertion-stream-urls': [],
    });
    const sequence = { type: 'validation-set', 'sequence-key': ['16', 'acme', 'tested'] };
    expect(
      await groups({ ...sequence, 'if-sequence-equal-or-newer-than': 3, 'if-newer-than': 0 }),
    ).toMatchObject({ 'assertion-stream-urls': [] });
    expect(
      await groups({ ...sequence, 'if-sequence-equal-or-newer-than': 2, 'if-newer-than': 0 }),
    ).toMatchObject({ 'assertion-stream-urls': [expect.any(String)] });
    expect(await groups({ ...sequence, sequence: 3 })).toMatchObject({
      'assertion-stream-urls': [expect.any(String)],
    });
  });

  it('names what does not exist', async () => {
    expect(await groups({ type: 'store', 'primary-key': ['no-such-store'] })).toMatchObject({
      'error-list': [{ code: 'not-found', type: 'store', 'primary-key': ['no-such-store'] }],
    });
    expect(
      await groups(
        { type: 'constructor', 'primary-key': ['x'] },
        { type: 'validation-set', 'sequence-key': ['16'], sequence: 4 },
      ),
    ).toMatchObject({
      'error-list': [{ type: 'constructor' }, { type: 'validation-set', 'sequence-key': ['16'] }],
    });
  });

  it('splits many assertions over addresses of bearable length', async () => {
    const many = Array.from({ length: 300 }, () => declaration);
    const addresses = (await groups(...many))['assertion-stream-urls'] as string[];
    expect(addresses.length).toBeGreaterThan(10);
    expect(Math.max(...addresses.map((address) => address.length))).toBeLessThan(8000);
  });
});

it('made no mistake of its own', () => {
  expect(world.mistakes).toEqual([]);
});
