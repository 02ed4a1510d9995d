import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSoftHsmToken, openHsm, parseHsmKeyId } from '../../src/hsm/index.ts';
import { childrenOf, eventually, hsmChildren, signalThose } from '../support/processes.ts';
import { makeTestToken, openTestHsm } from '../support/softhsm-token.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SECRETS = { pin: '4711-0815', soPin: 'so-4711-0815' };

/** Every token file below a SoftHSM folder, as paths. */
async function tokenFiles(directory: string): Promise<string[]> {
  const names = await readdir(join(directory, 'tokens'));
  return names.map((name) => join(directory, 'tokens', name, 'token.object'));
}

describe('the embedded SoftHSM token', () => {
  it('is made once, for its owner alone, and found again', async () => {
    const directory = join(await temporaryFolder(), 'softhsm');
    const options = { directory, label: 'airlock', ...SECRETS };
    const made = await createSoftHsmToken(options);
    expect(await createSoftHsmToken(options)).toEqual(made);
    expect(await tokenFiles(directory)).toHaveLength(1);
    expect((await stat(directory)).mode & 0o077).toBe(0);
    const hsm = await openTestHsm({ ...options, ...made });
    expect(hsm.status()).toMatchObject({
      state: 'ready',
      token: { label: 'airlock', manufacturer: 'SoftHSM project' },
    });
  });

  it('is made once by processes that start together', async () => {
    const folder = await temporaryFolder();
    const options = { directory: join(folder, 'softhsm'), label: 'airlock', ...SECRETS };
    await Promise.all([
      createSoftHsmToken(options),
      createSoftHsmToken(options),
      createSoftHsmToken(options),
    ]);
    expect(await tokenFiles(options.directory)).toHaveLength(1);
    expect(await readdir(folder)).toEqual(['softhsm']);
  });

  it('takes a folder that is there and empty', async () => {
    const directory = join(await temporaryFolder(), 'softhsm');
    await mkdir(directory);
    await createSoftHsmToken({ directory, label: 'airlock', ...SECRETS });
    expect(await tokenFiles(directory)).toHaveLength(1);
  });

  it('shows its PINs in no process list and no file', async () => {
    const directory = join(await temporaryFolder(), 'softhsm');
    const making = createSoftHsmToken({ directory, label: 'airlock', ...SECRETS });
    await eventually('the process that makes the token', () => childrenOf(process.pid).length > 0);
    const commands = childrenOf(process.pid).map(({ command }) => command);
    await making;
    expect(commands.join()).not.toContain('4711');
    const files = await readdir(directory, { recursive: true, withFileTypes: true });
    for (const file of files.filter((entry) => entry.isFile())) {
      expect((await readFile(join(file.parentPath, file.name))).includes('4711')).toBe(false);
    }
  });

  it('can be moved with its folder', async () => {
    const folder = await temporaryFolder();
    const token = await makeTestToken(folder);
    const hsm = await openTestHsm(token);
    const id = parseHsmKeyId(randomUUID());
    const publicKey = await hsm.generateKey(id, 'key');
    await hsm.close();
    const directory = join(folder, 'elsewhere');
    await rename(token.directory, directory);
    const moved = await createSoftHsmToken({
      directory,
      label: token.label,
      pin: token.pin,
      soPin: 'unused',
    });
    expect(await (await openTestHsm({ ...token, ...moved })).findKey(id)).toEqual(publicKey);
  });

  it.each([
    ['emptied by a process that was killed while it logged in', (path: string) => truncate(path, 0)],
    ['cut off', (path: string) => truncate(path, 100)],
    [
      'filled with zeros by a power cut',
      async (path: string) => writeFile(path, Buffer.alloc((await stat(path)).size)),
    ],
  ])('keeps its keys though its file was %s', async (_what, harm) => {
    const token = await makeTestToken(await temporaryFolder());
    const hsm = await openTestHsm(token);
    const id = parseHsmKeyId(randomUUID());
    const publicKey = await hsm.generateKey(id, 'key');
    const [file = ''] = await tokenFiles(token.directory);

    await harm(file);
    signalThose(hsmChildren(), 'SIGKILL');
    expect(await hsm.findKey(id)).toEqual(publicKey);
    await hsm.close();

    await harm(file);
    const again = await createSoftHsmToken({ ...token, soPin: 'unused' });
    expect(await (await openTestHsm({ ...token, ...again })).findKey(id)).toEqual(publicKey);
  });

  it('makes keys durable though another process removes a file that was just there', async () => {
    const token = await makeTestToken(await temporaryFolder());
    const [file = ''] = await tokenFiles(token.directory);
    // A name in the folder whose file cannot be opened any more is what that looks like.
    await symlink('gone', join(dirname(file), 'removed.lock'));
    const hsm = await openTestHsm(token);
    const id = parseHsmKeyId(randomUUID());
    const publicKey = await hsm.generateKey(id, 'key');
    expect(await hsm.listKeys()).toEqual([{ id, label: 'key', publicKey }]);
  });

  it('says what is wrong when it cannot be made', async () => {
    const folder = await temporaryFolder();
    const options = { directory: join(folder, 'softhsm'), label: 'airlock', ...SECRETS };
    await expect(createSoftHsmToken({ ...options, pin: '1' })).rejects.toMatchObject({
      code: 'softhsm-unusable',
    });
    await expect(createSoftHsmToken({ ...options, modulePath: '/nowhere.so' })).rejects.toMatchObject({
      code: 'hsm-module-missing',
      message: expect.stringContaining('/nowhere.so'),
    });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('a p11-kit client that is not installed', () => {
  it('is named', async () => {
    const module = { p11KitAddress: 'unix:path=/nowhere', clientPath: '/nowhere.so' };
    const hsm = await openHsm({ module, tokenLabel: 'x', pin: async () => 'x', probeEvery: 0 });
    expect(hsm.status()).toMatchObject({ state: 'down', words: expect.stringContaining('/nowhere.so') });
    await hsm.close();
  });
});
