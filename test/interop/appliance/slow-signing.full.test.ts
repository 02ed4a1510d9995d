/** What snapd does while nothing signs: it is told to come back, and gets its serial when a worker is there again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reasonToSkip } from '../../support/devicesim.ts';
import { BRANDS } from './archive.ts';
import { program, Site } from './site.ts';

describe.skipIf(program.path === undefined)(
  `snapd waits for airlock up to sign${reasonToSkip(program)}`,
  () => {
    const brand = BRANDS.own;
    let site: Site;

    beforeAll(async () => {
      site = await Site.open();
      await site.importStore(brand);
      await site.createModel(brand, 'model-a', await site.registerKey(brand, 'serials'));
      await site.stop();
      await site.start('--no-worker');
    }, 240_000);
    afterAll(() => site.close());

    it('is answered 202 as long as there is no worker', async () => {
      const registration = await site.device('model-a').register('--polls', '0');
      expect(registration).toMatchObject({ ok: false, status: 202, 'snapd-would-retry': true });
    });

    it('sends the same request again, and has one serial once a worker is there', async () => {
      const device = site.device('model-a');
      const polling = ['--polls', '30', '--poll-interval', '1s'];
      const asked = device.register('--proposed-serial', 'SLOW-1', ...polling);
      // Longer than an answer is waited for, so that snapd has been told to come back at least once.
      await sleep(25_000);
      await site.serve(['worker', '--data', site.data]);
      expect(await asked).toMatchObject({ ok: true, serial: 'SLOW-1', verified: true });
      const log = await site.admin(brand, ['list', 'serials', 'model-a', '--serial', 'SLOW-1', '--json']);
      expect(log.match(/"serial": "SLOW-1"/g)).toHaveLength(1);
      expect(await device.session('--only', 'session-get,info,action-install')).toEqual({
        failures: [],
        steps: 3,
      });
    });
  },
);
