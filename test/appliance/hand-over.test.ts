import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { handOverOf } from '../../src/appliance/hand-over.ts';
import { openFileBlobStore, parseBlobDigest } from '../../src/storage/index.ts';
import { freePort } from '../support/free-port.ts';
import { eventually } from '../support/processes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const nginx = spawnSync('nginx', ['-V'], { encoding: 'utf8' });
const signsAddresses = nginx.status === 0 && nginx.stderr.includes('http_secure_link_module');

/** Whatever is asked for lies in the folder. */
const IN_FOLDER = { bucketOf: async () => undefined };
const ASKED = { fileName: 'x.snap', method: 'GET' } as const;

async function oneBlob(folder: string) {
  const blobs = await openFileBlobStore(join(folder, 'blobs'), join(folder, 'staging'));
  await writeFile(join(blobs.stagingFolder, 'file'), 'the snap');
  const digest = parseBlobDigest(createHash('sha3-384').update('the snap').digest('hex'));
  return blobs.adopt(join(blobs.stagingFolder, 'file'), digest);
}

describe('who sends files', () => {
  it('is this process, unless the environment names another', async () => {
    expect(await handOverOf({}, () => new Date(), IN_FOLDER)).toBeUndefined();
  });

  it('is a front server on this host that is told by a header', async () => {
    const blob = await oneBlob(await temporaryFolder());
    const handOver = await handOverOf({ AIRLOCK_DOWNLOADS_ACCEL: '/blobs' }, () => new Date(), IN_FOLDER);
    expect(await handOver?.(blob, ASKED)).toEqual({
      header: ['x-accel-redirect', `/blobs/${blob.digest.slice(0, 2)}/${blob.digest}`],
    });
  });

  it.each(['ftp://files.factory/', 'files.factory'])('is not at %s', async (address) => {
    await expect(
      handOverOf({ AIRLOCK_DOWNLOADS_URL: address }, () => new Date(), IN_FOLDER),
    ).rejects.toMatchObject({
      code: 'downloads-address-invalid',
    });
  });

  it.skipIf(!signsAddresses)(
    'is another server, which takes the presigned address and no changed one',
    async () => {
      const folder = await temporaryFolder();
      const blob = await oneBlob(folder);
      const port = await serveWithNginx(folder, 'a secret of ours');
      const secretFile = join(folder, 'secret');
      await writeFile(secretFile, 'a secret of ours\n', { mode: 0o600 });
      const env = {
        AIRLOCK_DOWNLOADS_URL: `http://127.0.0.1:${port}/files`,
        AIRLOCK_DOWNLOADS_SECRET_FILE: secretFile,
      };
      const at = (moment: Date) =>
        handOverOf(env, () => moment, IN_FOLDER).then((handOver) => handOver?.(blob, ASKED));
      const now = await at(new Date());
      const address = now && 'redirect' in now ? now.redirect : '';
      const reply = await fetch(address, { headers: { range: 'bytes=4-' } });
      expect([reply.status, await reply.text()]).toEqual([206, 'snap']);
      const old = await at(new Date(Date.now() - 3600_000));
      for (const refused of [
        address.replace(/md5=./, 'md5=_'),
        address.replace(/\?.*/, ''),
        old && 'redirect' in old ? old.redirect : '',
      ]) {
        const status = (await fetch(refused)).status;
        expect([403, 410]).toContain(status);
      }
    },
  );
});

async function serveWithNginx(folder: string, secret: string): Promise<number> {
  const port = await freePort();
  await mkdir(join(folder, 'nginx'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, 'nginx', kind)};`,
  );
  const configuration = `daemon off; master_process off; pid ${join(folder, 'nginx', 'pid')}; error_log stderr; user root;
events {}
http { access_log off; ${temporary.join(' ')}
  server { listen 127.0.0.1:${port};
    location /files/ { alias ${join(folder, 'blobs')}/;
      secure_link $arg_md5,$arg_expires; secure_link_md5 "$secure_link_expires$uri ${secret}";
      if ($secure_link = "") { return 403; }
      if ($secure_link = "0") { return 410; } } } }`;
  const file = join(folder, 'nginx', 'nginx.conf');
  await writeFile(file, configuration);
  const child = spawn('nginx', ['-c', file], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  await eventually('nginx answers', () =>
    fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    ),
  );
  return port;
}
