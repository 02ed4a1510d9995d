import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  ensureMasterKey,
  masterKeySource,
  openSecretBox,
  rotateMasterKey,
} from '../../src/config/master-key.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

async function writeKeyFile(folder: string, text: string): Promise<string> {
  const path = join(folder, 'keys');
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

describe('the master key of a data folder', () => {
  it('is made once, for its owner alone, also by processes that start together', async () => {
    const folder = await temporaryFolder();
    const source = masterKeySource(join(folder, 'master.key'), {});
    expect(source.external).toBe(false);
    await Promise.all([ensureMasterKey(source), ensureMasterKey(source), ensureMasterKey(source)]);
    const text = await readFile(source.path, 'utf8');
    await ensureMasterKey(source);
    expect(await readFile(source.path, 'utf8')).toBe(text);
    expect((await stat(source.path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['master.key']);
    expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toHaveLength(1);
  });

  it('is rotated on disk first, and the old one still opens', async () => {
    const source = masterKeySource(join(await temporaryFolder(), 'master.key'), {});
    await ensureMasterKey(source);
    const box = await openSecretBox(source);
    const old = box.seal('pin', '74656');
    const id = await rotateMasterKey(source, box);
    expect(box.keyId).toBe(id);
    const reopened = await openSecretBox(source);
    expect(reopened.keyIds).toEqual(box.keyIds);
    expect(reopened.open('pin', old)).toBe('74656');
    expect((await stat(source.path)).mode & 0o777).toBe(0o600);
  });

  it('comes from a named file, else from a systemd credential, else from the folder', async () => {
    const folder = await temporaryFolder();
    const credential = join(folder, 'airlock-master-key');
    const environment = { AIRLOCK_MASTER_KEY_FILE: '/etc/airlock/key', CREDENTIALS_DIRECTORY: folder };
    expect(masterKeySource('own', environment)).toEqual({ path: '/etc/airlock/key', external: true });
    expect(masterKeySource('own', { CREDENTIALS_DIRECTORY: folder })).toEqual({
      path: 'own',
      external: false,
    });
    await writeFile(credential, '');
    expect(masterKeySource('own', { CREDENTIALS_DIRECTORY: folder })).toEqual({
      path: credential,
      external: true,
    });
  });

  it('is not made or rotated where the operator keeps it', async () => {
    const path = join(await temporaryFolder(), 'keys');
    const source = { path, external: true };
    await ensureMasterKey(source);
    await expect(openSecretBox(source)).rejects.toMatchObject({ code: 'secret-file-unreadable' });
    await writeFile(path, randomBytes(32).toString('base64'), { mode: 0o600 });
    await expect(rotateMasterKey(source, await openSecretBox(source))).rejects.toMatchObject({
      code: 'master-key-external',
    });
  });

  it('may be in base64, base64url or hex, with notes between', async () => {
    const keys = [randomBytes(32), randomBytes(32), randomBytes(32)] as const;
    const lines = [
      '# new',
      keys[0].toString('base64'),
      '',
      keys[1].toString('base64url'),
      keys[2].toString('hex'),
    ];
    const path = await writeKeyFile(await temporaryFolder(), lines.join('\n'));
    expect((await openSecretBox({ path, external: true })).keyIds).toHaveLength(3);
  });

  it.each([
    ['that is empty', ''],
    ['of notes only', '# a note\n'],
    ['of a password', 'correct horse battery staple'],
    ['that is too short', randomBytes(16).toString('hex')],
    ['with one good and one bad line', `${randomBytes(32).toString('hex')}\nnonsense`],
  ])('refuses a file %s, without showing it', async (_what, text) => {
    const path = await writeKeyFile(await temporaryFolder(), text);
    const failure = await openSecretBox({ path, external: true }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'master-key-invalid', message: expect.stringContaining(path) });
    expect(String(failure)).not.toMatch(/horse|nonsense/);
  });

  it('refuses a file that every user may read, and what is no file', async () => {
    const folder = await temporaryFolder();
    const path = await writeKeyFile(folder, randomBytes(32).toString('hex'));
    await chmod(path, 0o644);
    await expect(openSecretBox({ path, external: true })).rejects.toMatchObject({
      code: 'secret-file-exposed',
    });
    await mkdir(join(folder, 'folder'));
    await expect(openSecretBox({ path: join(folder, 'folder'), external: true })).rejects.toMatchObject({
      code: 'secret-file-unreadable',
    });
  });
});
