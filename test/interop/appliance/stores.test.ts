/** Several brands on one `airlock up`, what it refuses to import, and how devices reach it over TLS: with snapd's own code. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { reasonToSkip } from '../../support/devicesim.ts';
import { eventually } from '../../support/processes.ts';
import { BRANDS, newExporter, SUB_STORE, writeStoreArchive } from './archive.ts';
import { Chain } from './chain.ts';
import { hasNginx, privateCa, tlsFront } from './nginx.ts';
import { program, Site } from './site.ts';
import type { SnapdDevice } from './snapd-device.ts';

const run = promisify(execFile);
const withNginx = await hasNginx();

/** Every way in which snapd asks for a snap. */
const ALL_WAYS = [
  'info',
  'find',
  'install',
  'install-revision',
  'download-action',
  'refresh',
  'snap-declaration',
  'snap-revision',
  'download',
];

describe.skipIf(program.path === undefined)(`stores on airlock up${reasonToSkip(program)}`, () => {
  const { own, other } = BRANDS;
  let site: Site;
  let ours: SnapdDevice;
  let theirs: SnapdDevice;

  beforeAll(async () => {
    site = await Site.open();
    for (const [brand, model] of [
      [own, 'model-a'],
      [other, 'other-model'],
    ] as const) {
      await site.importStore(brand);
      await site.createModel(brand, model, await site.registerKey(brand, 'serials'));
    }
    ours = site.device('model-a');
    theirs = site.device('other-model');
    expect(await ours.register('--proposed-serial', 'SAME-1')).toMatchObject({ ok: true, authority: own.id });
    // Serials are a matter of each brand: theirs may be the same.
    expect(await theirs.register('--proposed-serial', 'SAME-1')).toMatchObject({
      ok: true,
      serial: 'SAME-1',
      authority: other.id,
    });
  }, 240_000);
  afterAll(() => site.close());

  describe('two brands on one store', () => {
    const shared = ['snapd', 'my-base'];
    const onlyOurs = ['my-kernel', 'my-gadget', 'my-agent', 'sim-app-2', 'sim-app-1'];
    const onlyTheirs = ['other-agent'];

    it('each gets at its own snaps and at what it includes of the general store, in every way', async () => {
      for (const [device, names] of [
        [ours, [...shared, ...onlyOurs]],
        [theirs, [...shared, ...onlyTheirs]],
      ] as const) {
        const seen = await device.sees(names);
        for (const name of names) expect(seen[name]).toMatchObject({ ways: ALL_WAYS, errors: {} });
      }
    });

    it('neither gets at the other’s in any way, even with the address that the other was told', async () => {
      for (const [seer, hidden, owner] of [
        [ours, onlyTheirs, theirs],
        [theirs, onlyOurs, ours],
      ] as const) {
        const told = await owner.sees(hidden);
        const addresses = hidden.flatMap((name) => ['--address', `${name}=${told[name]?.address ?? ''}`]);
        const seen = await seer.sees(hidden, ...addresses);
        for (const name of hidden) {
          expect(seen[name]).toMatchObject({ ways: [], errors: { info: 'snap not found' } });
          expect(seen[name]?.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/api\/v1\/snaps\/download\//);
        }
      }
    });

    it('a device that has no serial yet gets at neither’s private snaps', async () => {
      const seen = await ours.sees([...onlyOurs.slice(0, 4), ...onlyTheirs], '--anonymous');
      expect(Object.values(seen).flatMap(({ ways }) => ways)).toEqual([]);
    });

    it('neither’s admin finds the other brand', async () => {
      const intruder = { ...own, id: other.id };
      for (const args of [
        ['list', 'models'],
        ['list', 'keys'],
        ['create', 'key', 'mine-now'],
      ]) {
        const outcome = await site.tryAdmin(intruder, args);
        expect(outcome).toMatchObject({
          status: 5,
          stderr: expect.stringMatching(/cannot find the brand "other-brand"/),
        });
      }
      expect(await site.admin(own, ['list', 'models'])).not.toContain('other-model');
    });

    it('a device of one gets no serial of the other, whatever API key it has', async () => {
      const apiKey = site.chain.apiKey('other-model');
      expect(await site.device('model-a').register('--api-key', apiKey)).toMatchObject({
        ok: false,
        status: 403,
      });
    });
  });

  it('another model moves a device of the brand into a sub-store, and that is all that it sees then', async () => {
    await site.importSubStore(own, SUB_STORE);
    expect(await site.operator('snap-store-proxy', 'status')).toContain(
      '\n  my-sub-store (device-view store, sub-store of my-brand-store, includes 1 snap of my-brand-store, 3 snaps of ubuntu)\n',
    );
    const names = ['my-agent', 'my-kernel', 'sim-app-2', 'sim-app-1'];
    const waysOf = async (device: SnapdDevice) =>
      Object.fromEntries(Object.entries(await device.sees(names)).map(([name, { ways }]) => [name, ways]));
    const former = site.device('model-a');
    await former.register('--proposed-serial', 'PIVOT-1');
    const [inAll, inNone] = [ALL_WAYS, []];
    expect(await waysOf(former)).toEqual({
      'my-agent': inAll,
      'my-kernel': inAll,
      'sim-app-2': inAll,
      'sim-app-1': inAll,
    });

    await site.createModel(own, 'model-sub', await site.registerKey(own, 'sub-serials'));
    const device = former.remodelled('model-sub');
    const remodel = ['--original-serial', former.serialFile, '--proposed-serial', 'PIVOT-1'];
    await site.admin(own, ['create', 'remodel', 'model-a', 'model-sub']);
    expect(await device.register(...remodel)).toMatchObject({ ok: true, serial: 'PIVOT-1', verified: true });
    expect(await waysOf(device)).toEqual({
      'my-agent': inAll,
      'my-kernel': inNone,
      'sim-app-2': inNone,
      'sim-app-1': inAll,
    });
  });

  describe('what push-store refuses', () => {
    /** What operators and devices see; a refused push changes none of it. */
    const state = async () => [
      await site.operator('snap-store-proxy', 'list-pushed-snaps'),
      await site.operator('airlock', 'trust', 'list'),
      await ours.sees(['my-agent']),
    ];

    it.each([
      [
        'an export that is older than the newest imported',
        /was exported at 2020-01-01T00:00:00\.000Z, and one of .* was imported already/,
        async (path: string) =>
          writeStoreArchive(site.chain, own, {
            path,
            exporter: await site.exporter,
            createdAt: new Date('2020-01-01T00:00:00Z'),
          }),
      ],
      [
        'an export by another machine than the first one',
        /exported with the key \S{64}, and earlier ones for this store with \S{64}/,
        async (path: string) =>
          writeStoreArchive(site.chain, own, { path, exporter: await newExporter(), createdAt: new Date() }),
      ],
      [
        'an export of one brand’s store that claims the snaps of the other’s',
        /other-agent: it is of store other-store, which is not of this brand/,
        async (path: string) =>
          writeStoreArchive(site.chain, own, {
            path,
            exporter: await site.exporter,
            createdAt: new Date(),
            alsoSnapsOf: other.store,
          }),
      ],
      [
        'an export whose assertions lead to another root',
        /assertions\/store\.assert|keys\/account-keys\.assert/,
        async (path: string) => {
          const folder = join(site.folder, 'foreign-chain');
          const options = ['--key-bits', '2048', '--snaps', '1', '--root', 'generate'];
          await run(program.path ?? '', ['chain', '--out', folder, ...options]);
          const chain = await Chain.read(folder);
          const brand = { ...own, store: 'third-store', includes: [] };
          await writeStoreArchive(chain, brand, {
            path,
            exporter: await site.exporter,
            createdAt: new Date(),
          });
        },
      ],
    ])('%s', async (name, words, write) => {
      const before = await state();
      const path = site.disk(`${name.replaceAll(/[^a-z]+/g, '-')}.tar.gz`);
      await write(path);
      const outcome = await site.tryOperator('snap-store-proxy', 'push-store', path);
      expect(outcome.stderr).toMatch(/^error: cannot .*\n$/);
      expect(outcome.stderr).toMatch(words);
      expect(outcome.status).not.toBe(0);
      expect(await state()).toEqual(before);
    });

    it('a request to trust what is no root', async () => {
      const outcome = await site.tryOperator('airlock', 'trust', 'add', site.chain.modelFile('model-a'));
      expect(outcome).toMatchObject({ stderr: expect.stringMatching(/^error: cannot .*root/) });
      expect(outcome.status).not.toBe(0);
    });
  });

  it.skipIf(!withNginx)(
    `behind nginx, which ends TLS, a device does all its steps${withNginx ? '' : ' (nginx is not installed)'}`,
    async () => {
      const tls = await privateCa(join(site.folder, 'tls-of-nginx'));
      const front = await tlsFront(join(site.folder, 'nginx'), site.url, tls);
      onTestFinished(() => front.close());
      const trusts = ['--store-cert', tls.ca];
      const device = site.device('model-a').at(front.url);
      expect(await device.register('--proposed-serial', 'FRONT-1', ...trusts)).toMatchObject({ ok: true });
      // A front server is believed only when the operator says so: links are plain HTTP until then.
      const before = (await device.sees(['my-agent'], ...trusts))['my-agent'];
      expect(before?.address).toMatch(/^http:/);
      await site.operator('snap-store-proxy', 'config', 'proxy.trust-forwarded-proto=True');
      const after = (await device.sees(['my-agent'], ...trusts))['my-agent'];
      expect(after).toMatchObject({ ways: ALL_WAYS, errors: {} });
      expect(after?.address.startsWith(`${front.url}/`)).toBe(true);
      expect(await device.session(...trusts)).toEqual({ failures: [], steps: 33 });
      await site.operator('snap-store-proxy', 'config', 'proxy.trust-forwarded-proto=False');
    },
  );

  it('over its own HTTPS, a device that trusts the private CA by store-certs does all its steps', async () => {
    const tls = await privateCa(join(site.folder, 'tls'));
    expect(await site.importCertificate(tls)).toMatch(/^Certificate .*127\.0\.0\.1.* imported, valid until /);
    const trusts = ['--store-cert', tls.ca];
    const device = site.device('model-a').at(`https://127.0.0.1:${site.httpsPort}`);
    await eventually('HTTPS is there', async () => {
      const { error } = await device.register();
      return /certificate signed by unknown authority/.test(error ?? '');
    });
    expect(await device.register('--proposed-serial', 'TLS-1', ...trusts)).toMatchObject({
      ok: true,
      serial: 'TLS-1',
      verified: true,
    });
    expect(await device.session(...trusts)).toEqual({ failures: [], steps: 33 });
    const direct = site.device('model-a').at(`https://127.0.0.1:${site.httpsPort}/v1`);
    expect(await direct.register('--proposed-serial', 'TLS-2', '--mode', 'direct', ...trusts)).toMatchObject({
      ok: true,
      serial: 'TLS-2',
    });
  });
});
