import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { newOutside, snapIdOf } from '../../workflows/carried-store.ts';
import { authority } from '../../workflows/carrying.ts';
import { between, onlineBefore } from './between.ts';

const snapSchema = z.looseObject({ revision: z.number(), download: z.looseObject({ url: z.string() }) });
const resultSchema = z.looseObject({
  result: z.string(),
  'effective-channel': z.string().optional(),
  snap: snapSchema.optional(),
  error: z.looseObject({ code: z.string() }).optional(),
});
const answerSchema = z.looseObject({ results: z.array(resultSchema) });
const infoSchema = z.looseObject({
  'channel-map': z.array(
    z.looseObject({
      channel: z.looseObject({ name: z.string(), architecture: z.string() }),
      revision: z.number(),
      version: z.string(),
      download: z.looseObject({ 'sha3-384': z.string(), url: z.string() }),
    }),
  ),
});

const GENERAL = { store: 'ubuntu' };

/** An online host whose upstream has my-base in revision 5, then 6 on stable; and 7 on edge alone. */
async function withBase() {
  const site = await between();
  const { outside } = site;
  const base = { name: 'my-base', type: 'base' } as const;
  await outside.publish({ ...base, version: '23' }, { ...GENERAL, revision: 6, channels: ['latest/stable'] });
  await outside.publish({ ...base, version: '24' }, { ...GENERAL, revision: 7, channels: ['latest/edge'] });
  return { ...site, device: deviceAt(site.online.url) };
}

/** What an unmodified snapd asks (protocol/devices.md 3.1). */
function deviceAt(url: string) {
  const ask = async (body: object) => {
    const response = await fetch(`${url}/v2/snaps/refresh`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'snap-device-architecture': 'amd64',
        'snap-device-series': '16',
      },
      body: JSON.stringify({ ...body, fields: ['download', 'epoch', 'revision', 'name', 'snap-id'] }),
    });
    expect(response.status).toBe(200);
    return answerSchema.parse(await response.json()).results;
  };
  return {
    async install(over: object) {
      const action = { action: 'install', 'instance-key': 'install-1', name: 'my-base', epoch: null };
      const [result] = await ask({ context: [], actions: [{ ...action, ...over }] });
      return result;
    },
    async refresh(revision: number, tracking: string, over: object = {}) {
      const key = snapIdOf('my-base');
      const entry = {
        'snap-id': key,
        'instance-key': key,
        revision,
        'tracking-channel': tracking,
        epoch: '0',
      };
      const action = { action: 'refresh', 'instance-key': key, 'snap-id': key };
      return ask({ context: [entry], actions: [{ ...action, ...over }] });
    },
    async info() {
      const response = await fetch(`${url}/v2/snaps/info/my-base?architecture=amd64&fields=version`, {
        headers: { 'snap-device-series': '16' },
      });
      const { 'channel-map': map } = infoSchema.parse(await response.json());
      return new Map(map.map((entry) => [entry.channel.name, entry]));
    },
  };
}

describe('an override on an online host', () => {
  test('gives devices the pinned revision, names what the upstream holds, and ends when it is taken away', async () => {
    const { device, overrides } = await withBase();
    const place = {
      snapId: snapIdOf('my-base'),
      snapName: 'my-base',
      channel: 'stable',
      architecture: 'amd64',
    };
    const set = { snap: 'my-base', channel: 'stable', revision: 5 };
    expect(await overrides.change([set], 'operator')).toEqual([
      { ...place, revision: 5, upstreamRevision: 6 },
    ]);
    for (const over of [
      { channel: 'latest/stable' },
      { channel: 'stable' },
      {},
      { action: 'download', channel: 'stable' },
      // Nothing is on candidate: it leads to stable, wherever the revision there comes from.
      { channel: 'latest/candidate' },
      // A cohort is about channels; the operator's word is newer.
      { channel: 'latest/stable', 'cohort-key': '' },
    ])
      expect(await device.install(over)).toMatchObject({
        snap: { revision: 5 },
        'effective-channel': 'latest/stable',
      });
    expect(await device.install({ channel: 'latest/edge' })).toMatchObject({ snap: { revision: 7 } });
    expect(await device.install({ revision: 6 })).toMatchObject({ snap: { revision: 6 } });
    expect(await overrides.list('my-base')).toEqual([{ ...place, revision: 5, upstreamRevision: 6 }]);
    expect(await overrides.change([{ ...set, revision: null }], 'operator')).toEqual([
      { ...place, revision: null, upstreamRevision: 6 },
    ]);
    expect(await device.install({ channel: 'stable' })).toMatchObject({ snap: { revision: 6 } });
  });

  test('moves devices that follow the channel, and leaves those that have the revision alone', async () => {
    const { device, overrides } = await withBase();
    await overrides.change([{ snap: 'my-base', channel: 'stable', revision: 5 }], 'operator');
    expect(await device.refresh(6, 'latest/stable')).toMatchObject([{ snap: { revision: 5 } }]);
    expect(await device.refresh(6, 'stable')).toMatchObject([{ snap: { revision: 5 } }]);
    expect(await device.refresh(6, 'latest/candidate')).toMatchObject([{ snap: { revision: 5 } }]);
    expect(await device.refresh(5, 'latest/stable')).toEqual([]);
    expect(await device.refresh(5, 'latest/stable', { channel: 'latest/edge' })).toMatchObject([
      { snap: { revision: 7 } },
    ]);
    expect(await device.refresh(7, 'latest/edge')).toEqual([]);
  });

  test('shows the pinned revision in the channel map, and a channel that only the override opens', async () => {
    const { device, overrides, online } = await withBase();
    await overrides.change(
      [
        { snap: 'my-base', channel: 'stable', revision: 5 },
        { snap: 'my-base', channel: 'beta', revision: 7 },
      ],
      'operator',
    );
    const map = await device.info();
    expect([...map.keys()]).toEqual(['stable', 'beta', 'edge']);
    expect(map.get('stable')).toMatchObject({ revision: 5, version: '22' });
    expect(map.get('beta')).toMatchObject({ revision: 7, version: '24' });
    expect(map.get('edge')).toMatchObject({ revision: 7 });
    expect(map.get('stable')?.download.url.startsWith(`${online.url}/cached/`)).toBe(true);
  });

  test('costs no question more where it does not bear on what a device asks', async () => {
    const { device, overrides, asked } = await withBase();
    await overrides.change([{ snap: 'my-base', channel: 'stable', revision: 5 }], 'operator');
    const questions = async (work: () => Promise<unknown>) => {
      const before = asked.length;
      await work();
      return asked.length - before;
    };
    expect(await questions(() => device.install({ name: 'snapd', channel: 'stable' }))).toBe(1);
    expect(await questions(() => device.install({ channel: 'latest/stable' }))).toBe(1);
    expect(await questions(() => device.refresh(6, 'latest/stable'))).toBe(1);
    expect(await questions(() => device.install({ channel: 'latest/edge' }))).toBe(2);
  });

  test('is for the architectures of its revision; those of others stay', async () => {
    const { outside, overrides } = await withBase();
    const { queries } = outside.host.database;
    await outside.publish(
      { name: 'my-base', type: 'base', version: '25' },
      { ...GENERAL, revision: 8, channels: [] },
    );
    for (const [revision, architectures] of [
      [5, ['amd64']],
      [6, ['amd64']],
      [8, ['armhf']],
    ] as const)
      await queries
        .updateTable('SnapRevision')
        .set({ architectures: [...architectures] })
        .where('snapId', '=', snapIdOf('my-base'))
        .where('revision', '=', revision)
        .execute();
    await queries
      .insertInto('ChannelRelease')
      .values({
        snapId: snapIdOf('my-base'),
        track: 'latest',
        risk: 'stable',
        branch: '',
        architecture: 'armhf',
        revision: 8,
        releasedAt: new Date(0).toISOString(),
        expiresAt: null,
        percentage: null,
        progressiveKey: null,
        paused: false,
        endedAt: null,
      })
      .execute();
    const set = (revision: number) =>
      overrides.change([{ snap: 'my-base', channel: 'stable', revision }], 'operator');
    expect(await set(5)).toMatchObject([{ architecture: 'amd64', revision: 5, upstreamRevision: 6 }]);
    expect(await set(8)).toMatchObject([{ architecture: 'armhf', revision: 8, upstreamRevision: 8 }]);
    expect(await overrides.list('my-base')).toMatchObject([
      { architecture: 'amd64', revision: 5, upstreamRevision: 6 },
      { architecture: 'armhf', revision: 8, upstreamRevision: 8 },
    ]);
    expect(
      await overrides.change([{ snap: 'my-base', channel: 'stable', revision: null }], 'operator'),
    ).toMatchObject([
      { architecture: 'amd64', upstreamRevision: 6 },
      { architecture: 'armhf', upstreamRevision: 8 },
    ]);
  });

  test('is refused for a snap or revision that the upstream does not have; nothing is changed then', async () => {
    const { overrides } = await withBase();
    const known = { snap: 'my-base', channel: 'stable', revision: 5 };
    for (const [wish, code] of [
      [{ ...known, snap: 'absent' }, 'snap-unknown'],
      [{ ...known, revision: 99 }, 'revision-unknown'],
      [{ ...known, channel: 'a/b/c/d' }, 'channel-invalid'],
    ] as const)
      await expect(overrides.change([known, wish], 'operator')).rejects.toMatchObject({
        code,
        message: expect.stringMatching(/^cannot /),
      });
    expect(await overrides.list()).toEqual([]);
  });

  test('is shown with what is remembered while the upstream is away, and can be taken away', async () => {
    const { overrides, upstream } = await withBase();
    const wish = { snap: 'my-base', channel: 'stable', revision: 5 };
    await overrides.change([wish], 'operator');
    await upstream.close(0);
    expect(await overrides.list()).toMatchObject([{ revision: 5, upstreamRevision: 6 }]);
    await expect(overrides.change([{ ...wish, revision: 6 }], 'operator')).rejects.toMatchObject({
      code: 'upstream-unreachable',
    });
    expect(await overrides.change([{ ...wish, revision: null }], 'operator')).toMatchObject([
      { revision: null, upstreamRevision: 6 },
    ]);
  });

  test("of a brand's snap takes a log-in with the role Viewer, and a refusal names what is missing", async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    await outside.host.database.queries
      .insertInto('StoreRole')
      .values({ storeId: 'brand-devices', accountId: 'my-brand', role: 'access' })
      .execute();
    const { url, login } = await authority(outside);
    const { overrides } = await onlineBefore(url);
    const wish = { snap: 'my-app', channel: 'stable', revision: 2 };
    await expect(overrides.change([wish], 'operator')).rejects.toMatchObject({
      code: 'snap-unknown',
      message: expect.stringContaining('--auth and --store'),
    });
    const by = (credentials: string, store = 'brand-devices') =>
      overrides.change([{ ...wish, access: { credentials, store } }], 'operator');
    await expect(by(await login('my-brand', 'package_access'))).rejects.toMatchObject({
      code: 'role-missing',
      message:
        'cannot override my-app: the account of the login file lacks the role Viewer in the store brand-devices',
    });
    await expect(by(await login('ada', 'store_admin'))).rejects.toMatchObject({
      code: 'role-missing',
      message:
        'cannot override my-app: the login lacks the permission package_access, or is for other stores or snaps; export it again, as somebody with the role Viewer in the store brand-devices',
    });
    // One that is another's, and one that nobody has.
    for (const store of ['brand-main', 'no-such-store'])
      await expect(by(await login('ada', 'package_access'), store)).rejects.toMatchObject({
        code: 'snap-not-upstream',
        message: `cannot override my-app: ${url} has no store ${store} in which the account of the login file has a role; it must have the role Viewer there, and the login the permission package_access`,
      });
    expect(await overrides.list()).toEqual([]);
    expect(await by(await login('ada', 'package_access'))).toMatchObject([
      { snapId: snapIdOf('my-app'), revision: 2, upstreamRevision: 1 },
    ]);
  });
});
