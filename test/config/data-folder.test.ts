import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { DataFolder } from '../../src/config/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const IN_USE = { kind: 'conflict', code: 'data-folder-in-use' };

async function dataFolder(): Promise<DataFolder> {
  return new DataFolder(join(await temporaryFolder(), 'data'), {}).prepare();
}

/** Another process that takes the lock and keeps it; resolves to what it says: "held", or the reason why not. */
async function lockElsewhere(folder: DataFolder): Promise<{ process: ChildProcess; says: string }> {
  const source = new URL('../../src/config/data-folder.ts', import.meta.url).href;
  const script = `
    const { DataFolder } = await import(${JSON.stringify(source)});
    const outcome = await new DataFolder(${JSON.stringify(folder.root)}, {}).lock().then(() => 'held', (error) => error.code);
    process.stdout.write(outcome);
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [says] = await once(child.stdout, 'data');
  return { process: child, says: String(says) };
}

describe('a data folder', () => {
  it('is made for its owner alone, and is the same when it is there', async () => {
    const folder = await dataFolder();
    const made = [folder.root, folder.blobs, folder.staging, folder.run, folder.masterKey];
    const modes = await Promise.all(made.map(async (path) => (await stat(path)).mode & 0o077));
    expect(modes).toEqual(made.map(() => 0));
    const { keyId } = await folder.openSecretBox();
    const again = await new DataFolder(folder.root, {}).prepare();
    expect((await again.openSecretBox()).keyId).toBe(keyId);
  });

  it('is not given a new master key when it has secrets of an old one', async () => {
    const folder = await dataFolder();
    await writeFile(folder.database, 'a database');
    await rm(folder.masterKey);
    const attempt = new DataFolder(folder.root, {}).prepare();
    await expect(attempt).rejects.toMatchObject({
      code: 'master-key-missing',
      message: expect.stringContaining('restore'),
    });
  });

  it('whose database is PostgreSQL is not opened with an empty one of its own', async () => {
    const folder = await dataFolder();
    await folder.requireSameDatabase(false);
    await folder.requireSameDatabase(true);
    await expect(folder.requireSameDatabase(false)).rejects.toMatchObject({
      code: 'database-elsewhere',
      message: expect.stringContaining('set AIRLOCK_DATABASE_URL'),
    });
    await folder.requireSameDatabase(true);
    await rm(folder.databaseElsewhere);
    await folder.requireSameDatabase(false);
  });

  it('says when it cannot be one', async () => {
    const path = join(await temporaryFolder(), 'file');
    await writeFile(path, '');
    const failure = { kind: 'invalid', code: 'data-folder-unusable', message: expect.stringContaining(path) };
    await expect(new DataFolder(path, {}).prepare()).rejects.toMatchObject(failure);
  });

  it('rotates its master key', async () => {
    const folder = await dataFolder();
    const box = await folder.openSecretBox();
    const sealed = box.seal('pin', '74656');
    const id = await folder.rotateMasterKey(box);
    const reopened = await folder.openSecretBox();
    expect(reopened.keyId).toBe(id);
    expect(reopened.open('pin', sealed)).toBe('74656');
  });
});

describe('the lock of a data folder', () => {
  it('is for one, until it is released', async () => {
    const folder = await dataFolder();
    const lock = await folder.lock();
    await expect(folder.lock()).rejects.toMatchObject(IN_USE);
    expect((await lockElsewhere(folder)).says).toBe('data-folder-in-use');
    await lock.release();
    await (await folder.lock()).release();
    expect(await readdir(folder.run)).toEqual([]);
  });

  it('of a process that was killed is taken over', async () => {
    const folder = await dataFolder();
    const other = await lockElsewhere(folder);
    expect(other.says).toBe('held');
    await expect(folder.lock()).rejects.toMatchObject({
      message: expect.stringContaining(`process ${other.process.pid}`),
    });
    other.process.kill('SIGKILL');
    await once(other.process, 'exit');
    await (await folder.lock()).release();
  });

  it('of a process whose id was given to another is taken over', async () => {
    const folder = await dataFolder();
    const lock = await folder.lock();
    const [name = ''] = await readdir(folder.run);
    const holder: unknown = JSON.parse(await readFile(join(folder.run, name), 'utf8'));
    await lock.release();
    // The process lives, and started at another time than the one that wrote this.
    const before = { ...z.record(z.string(), z.unknown()).parse(holder), started: '1' };
    await writeFile(join(folder.run, 'before.lock'), JSON.stringify(before));
    await (await folder.lock()).release();
    expect(await readdir(folder.run)).toEqual([]);
  });

  it('of another machine holds while it is touched', async () => {
    const folder = await dataFolder();
    const path = join(folder.run, 'foreign.lock');
    await writeFile(
      path,
      JSON.stringify({ pid: process.pid, started: '1', boot: 'another', host: 'another-machine' }),
    );
    await expect(folder.lock()).rejects.toMatchObject({
      ...IN_USE,
      message: expect.stringContaining('another-machine'),
    });
    const longAgo = new Date(Date.now() - 10 * 60_000);
    await utimes(path, longAgo, longAgo);
    await (await folder.lock()).release();
  });

  it('never has two holders, however many start at once', async () => {
    const folder = await dataFolder();
    for (let round = 0; round < 5; round++) {
      const outcomes = await Promise.allSettled([folder.lock(), folder.lock(), folder.lock(), folder.lock()]);
      const held = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      expect(held.length).toBeLessThanOrEqual(1);
      for (const lock of held) await lock.release();
      await (await folder.lock()).release();
    }
  });

  it('ignores what is no lock', async () => {
    const folder = await dataFolder();
    await mkdir(join(folder.run, 'folder'));
    await writeFile(join(folder.run, 'broken.lock'), 'not JSON');
    await writeFile(folder.addresses, '{}');
    await (await folder.lock()).release();
    expect((await readdir(folder.run)).toSorted()).toEqual(['addresses.json', 'folder']);
  });
});
