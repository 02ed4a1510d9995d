import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pinFromFile, systemdCredential } from '../../src/config/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('a PIN in a file', () => {
  it('is read anew each time, without the line end', async () => {
    const path = join(await temporaryFolder(), 'pin');
    await writeFile(path, '74656\n', { mode: 0o600 });
    const pin = pinFromFile(path);
    expect(await pin()).toBe('74656');
    await writeFile(path, ' 12 34');
    expect(await pin()).toBe(' 12 34');
  });

  it('is refused when it is missing, empty, or open to every user', async () => {
    const path = join(await temporaryFolder(), 'pin');
    const pin = pinFromFile(path);
    await expect(pin()).rejects.toMatchObject({
      code: 'secret-file-unreadable',
      message: expect.stringContaining(path),
    });
    await writeFile(path, '\n', { mode: 0o600 });
    await expect(pin()).rejects.toMatchObject({ code: 'secret-file-empty' });
    await writeFile(path, '74656');
    await chmod(path, 0o644);
    await expect(pin()).rejects.toMatchObject({
      code: 'secret-file-exposed',
      message: expect.not.stringContaining('74656'),
    });
  });

  it('may be a credential that systemd handed over', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'hsm-pin'), '74656', { mode: 0o400 });
    const path = systemdCredential('hsm-pin', { CREDENTIALS_DIRECTORY: folder });
    expect(path).toBe(join(folder, 'hsm-pin'));
    expect(await pinFromFile(path ?? '')()).toBe('74656');
    expect(systemdCredential('another', { CREDENTIALS_DIRECTORY: folder })).toBeUndefined();
    expect(systemdCredential('hsm-pin', {})).toBeUndefined();
  });
});
