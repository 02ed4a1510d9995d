/** Devices of snapd's own code get their serials from `airlock up` as its operators and admins run it. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reasonToSkip } from '../../support/devicesim.ts';
import { eventually } from '../../support/processes.ts';
import { command } from '../../support/programs.ts';
import { BRANDS } from './archive.ts';
import { program, Site } from './site.ts';

describe.skipIf(program.path === undefined)(`snapd registers with airlock up${reasonToSkip(program)}`, () => {
  const brand = BRANDS.own;
  let site: Site;
  let keyId: string;

  beforeAll(async () => {
    site = await Site.open({}, command);
    await site.importStore(brand);
    keyId = await site.registerKey(brand, 'serials');
    await site.createModel(brand, 'model-a', keyId);
  }, 240_000);
  afterAll(() => site.close());

  /** A serial that snapd's assertion database took, with the chain that came with it. */
  const granted = (serial: string) => ({
    ok: true,
    serial,
    authority: brand.id,
    'sign-key': keyId,
    verified: true,
    'verified-by': 'stream',
  });
  /** What snapd shows its user, and does not try again. */
  const refused = (status: number, words: RegExp) => ({
    ok: false,
    status,
    'snapd-would-retry': false,
    error: expect.stringMatching(words),
  });

  it('through the proxy store, and does all 33 steps of a session with its serial', async () => {
    const device = site.device('model-a');
    const asSnapdMakesIt = ['--key-bits', '4096'];
    expect(await device.register('--proposed-serial', 'PROXY-1', ...asSnapdMakesIt)).toMatchObject(
      granted('PROXY-1'),
    );
    await eventually(
      'deltas are made of what was imported',
      async () => (await device.session('--only', 'download-delta')).failures.length === 0,
      90_000,
    );
    expect(await device.session()).toEqual({ failures: [], steps: 33 });
  });

  it('through the proxy store that a gadget’s service is behind: HEAD shows that the proxy is new enough', async () => {
    const service = ['--service-url', 'https://serials.my-brand.example/v1/'];
    const registration = await site.device('model-a').register('--proposed-serial', 'SERVICE-1', ...service);
    expect(registration).toMatchObject(granted('SERVICE-1'));
    const head = await fetch(site.url, { method: 'HEAD' });
    expect(Number(head.headers.get('snap-store-version'))).toBeGreaterThanOrEqual(6);
  });

  it('directly, as a gadget’s service below /v1/', async () => {
    const device = site.device('model-a').at(`${site.url}/v1`);
    const registration = await device.register('--proposed-serial', 'DIRECT-1', '--mode', 'direct');
    expect(registration).toMatchObject(granted('DIRECT-1'));
  });

  it('with the body that its gadget wrote, which is in its serial', async () => {
    const device = site.device('model-a');
    const body = ['--body', 'mac: 00:11:22:33:44:55\n'];
    expect(await device.register('--proposed-serial', 'BODY-1', ...body)).toMatchObject(granted('BODY-1'));
    expect(await readFile(device.serialFile, 'utf8')).toContain('\n\nmac: 00:11:22:33:44:55\n');
  });

  it('again with the same key: the very same serial, whatever it proposes and whichever way it asks', async () => {
    const device = site.device('model-a');
    await device.register('--proposed-serial', 'AGAIN-1');
    const first = await readFile(device.serialFile);
    expect(await device.register('--proposed-serial', 'AGAIN-1')).toMatchObject(granted('AGAIN-1'));
    expect(await readFile(device.serialFile)).toEqual(first);
    const directly = device.at(`${site.url}/v1`);
    expect(await directly.register('--proposed-serial', 'AGAIN-1', '--mode', 'direct')).toMatchObject({
      ok: true,
    });
    expect(await readFile(device.serialFile)).toEqual(first);
  });

  it('not under a serial that another key has', async () => {
    await site.device('model-a').register('--proposed-serial', 'TAKEN-1');
    const registration = await site.device('model-a').register('--proposed-serial', 'TAKEN-1');
    expect(registration).toMatchObject(
      refused(409, /cannot deliver device serial request: cannot .*TAKEN-1/),
    );
  });

  it.each([
    ['through the proxy store', '', []],
    ['directly', '/v1', ['--mode', 'direct']],
  ])('not with a wrong API key %s: snapd shows why', async (_way, path, mode) => {
    const device = site.device('model-a').at(`${site.url}${path}`);
    const registration = await device.register('--api-key', 'wrong', ...mode);
    expect(registration).toMatchObject(
      refused(403, /cannot deliver device serial request: cannot .*API key/),
    );
  });

  it('not for a model that the brand has not opened', async () => {
    const registration = await site.device('model-classic').register();
    expect(registration).toMatchObject(refused(404, /cannot deliver device serial request: cannot .*model/));
  });

  it('with a serial of the partner whom its model names as serial-authority', async () => {
    const { partner } = BRANDS;
    await site.importStore(partner);
    const partnerKey = await site.registerKey(partner, 'partner-serials');
    await site.createModel(brand, 'model-b', partnerKey);
    const device = site.device('model-b');
    expect(await device.register('--proposed-serial', 'PARTNER-1')).toMatchObject({
      ...granted('PARTNER-1'),
      authority: partner.id,
      'sign-key': partnerKey,
    });
    expect(await device.session('--only', 'session-get,info,action-install,download')).toEqual({
      failures: [],
      steps: 4,
    });
    // model-a names nobody: nothing of the partner's is signed for it.
    await site.admin(brand, ['create', 'serial-policy', '--model', 'model-a', '--signing-key', partnerKey]);
    expect(await site.device('model-a').register()).toMatchObject(refused(409, /serial-authority/));
    await site.admin(brand, ['create', 'serial-policy', '--model', 'model-a', '--signing-key', keyId]);
  });

  it('anew as another model of the brand, once the brand allows that', async () => {
    const former = site.device('model-a');
    await former.register('--proposed-serial', 'REMODEL-1');
    const device = former.remodelled('model-b');
    const remodel = ['--original-serial', former.serialFile, '--proposed-serial', 'REMODEL-1'];
    expect(await device.register(...remodel)).toMatchObject(refused(403, /remodel allow-list/));
    await site.admin(brand, ['create', 'remodel', 'model-a', 'model-b']);
    expect(await device.register(...remodel)).toMatchObject({
      ok: true,
      serial: 'REMODEL-1',
      verified: true,
    });
    expect(await device.session('--only', 'session-get,info,action-install')).toEqual({
      failures: [],
      steps: 3,
    });
    // One that the partner signed for model-b is as good: that model lets the partner sign.
    const shared = site.device('model-b');
    await shared.register('--proposed-serial', 'REMODEL-2');
    await site.admin(brand, ['create', 'remodel', 'model-b', 'model-a']);
    const back = ['--original-serial', shared.serialFile, '--proposed-serial', 'REMODEL-2'];
    expect(await shared.remodelled('model-a').register(...back)).toMatchObject(granted('REMODEL-2'));
    // A serial of another board is no way to a remodelling.
    const stranger = site.device('model-b');
    expect(await stranger.register('--original-serial', former.serialFile)).toMatchObject(
      refused(400, /former serial/),
    );
  });
});
