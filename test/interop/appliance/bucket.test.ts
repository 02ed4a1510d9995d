/** An air-gapped Airlock whose files of snaps lie in a bucket of a server that others wrote; devices are snapd's own code. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startBucketServer, versitygw } from '../../support/bucket-server.ts';
import { reasonToSkip } from '../../support/go-program.ts';
import { eventually } from '../../support/processes.ts';
import { Server } from '../../support/programs.ts';
import { BRANDS } from './archive.ts';
import { program, Site } from './site.ts';

const gateway = await versitygw();
const missing = program.path === undefined ? program : gateway;

/** Names of the files below a folder that are named by a digest. */
async function blobsIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true });
  return entries.flatMap((entry) => /^[0-9a-f]{2}\/([0-9a-f]{96})$/.exec(entry)?.[1] ?? []).toSorted();
}

describe.skipIf(missing.path === undefined)(`airlock up with a bucket${reasonToSkip(missing)}`, () => {
  it('imports into it, serves from it, makes deltas in it, backs it up and removes from it', async () => {
    const brand = BRANDS.own;
    const server = await startBucketServer(gateway.path ?? '');
    const bucket = join(server.folder, 'snaps');
    const site = await Site.open();
    onTestFinished(() => site.close());
    const folder = join(site.data, 'blobs');
    const config = (settings: Readonly<Record<string, string>>) =>
      site.operator(
        'snap-store-proxy',
        'config',
        ...Object.entries(settings).map(([key, value]) => `${key}=${value}`),
      );

    // A store that was pushed before is moved over, and nothing of it is copied again.
    await site.importStore(brand);
    await site.createModel(brand, 'model-a', await site.registerKey(brand, 'serials'));
    const pushed = await blobsIn(folder);
    expect(pushed.length).toBeGreaterThan(3);
    await config({ ...server.settings, 'proxy.storage.backend': 's3' });
    expect(await site.operator('snap-store-proxy', 'status', '--verbose')).toContain('Storage: OK');
    expect(await site.operator('snap-store-proxy', 'move-blobs')).toMatch(/^\d+ files moved to the bucket/);
    expect(await blobsIn(folder)).toEqual([]);
    expect(await blobsIn(bucket)).toEqual(expect.arrayContaining([...pushed]));
    expect(await site.operator('snap-store-proxy', 'move-blobs')).toMatch(/^0 files moved to the bucket/);

    const device = site.device('model-a');
    expect(await device.register('--proposed-serial', 'BUCKET-1')).toMatchObject({ ok: true });
    await eventually(
      'deltas are made of what was imported',
      async () => (await device.session('--only', 'download-delta')).failures.length === 0,
      90_000,
    );
    expect(await device.session()).toEqual({ failures: [], steps: 33 });

    // Another API on the same database and bucket sends devices to the bucket itself.
    const second = await Server.start(['api', '--role', 'airgap', '--data', site.data, '--port', '0'], {
      AIRLOCK_DOWNLOADS_BUCKET: 'redirect',
      AIRLOCK_LOG_LEVEL: 'error',
    });
    onTestFinished(async () => void (await second.stop()));
    expect(await device.at(second.url).session()).toEqual({ failures: [], steps: 33 });

    const backup = site.disk('bucket.backup');
    const passphrase = site.disk('passphrase');
    await writeFile(passphrase, 'correct horse battery staple\n');
    const restored = join(site.folder, 'restored');
    const secret = ['--passphrase-file', passphrase];
    await site.operator('airlock', 'backup', backup, ...secret);
    await site.operator('airlock', 'restore', backup, '--data', restored, ...secret);
    expect(await blobsIn(join(restored, 'blobs'))).toEqual(await blobsIn(bucket));
    const references = site.disk('references.backup');
    const elsewhere = join(site.folder, 'elsewhere');
    await site.operator('airlock', 'backup', references, '--blobs', 'reference', ...secret);
    await site.operator('airlock', 'restore', references, '--data', elsewhere, ...secret);

    const before = await blobsIn(bucket);
    await site.operator('snap-store-proxy', 'delete-snap', 'sim-app-2');
    expect(await blobsIn(bucket)).toEqual(before);
    await site.operator('snap-store-proxy', 'prune');
    expect((await blobsIn(bucket)).length).toBeLessThan(before.length);

    await server.stop();
    const status = await site.operator('snap-store-proxy', 'status', '--verbose');
    expect(status).toMatch(
      /snapstorage: not running: cannot use the bucket snaps at \S+ the connection is refused/,
    );
    await server.start();
    expect(await device.sees(['my-base'])).toMatchObject({ 'my-base': { errors: {} } });
  }, 400_000);
});
