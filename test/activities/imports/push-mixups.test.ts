import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeMetadataFile } from '../../../src/bundles/index.ts';
import { honestMembers, newSigner, rawArchive, sampleStore } from '../../bundles/sample.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { importInput } from '../../workflows/carried-store.ts';

describe('a file that another push takes', () => {
  async function fileOf(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(await temporaryFolder(), name);
    await writeFile(path, content);
    return path;
  }

  async function metadataFile(): Promise<string> {
    const signer = await newSigner();
    const { manifest, contents } = sampleStore(signer.fingerprint, []);
    const members = new Map([...contents].map(([name, bytes]) => [name, Buffer.from(bytes).toString()]));
    const text = await encodeMetadataFile({ ...manifest, kind: 'store-metadata' }, members, signer);
    return fileOf('brand-metadata.json', text);
  }

  test('is told apart by what it holds, and none of it is shown', async () => {
    const signer = await newSigner();
    const archive = await fileOf('store-export-x.tar.gz', '');
    await rawArchive(archive, await honestMembers(signer));
    const ofStore = 'it is the export of store brand-store; use push-store';
    await expect(importInput('account-keys', archive)).rejects.toThrow(
      `cannot push ${archive} as account-keys: ${ofStore}`,
    );
    await expect(importInput('store-metadata', archive)).rejects.toThrow(
      `cannot push ${archive} as a store's metadata: ${ofStore}`,
    );
    const metadata = await metadataFile();
    for (const [kind, as] of [
      ['snap', 'a snap'],
      ['store', 'a store'],
      ['account-keys', 'account-keys'],
    ] as const)
      await expect(importInput(kind, metadata)).rejects.toThrow(
        `cannot push ${metadata} as ${as}: it is a store's metadata; use push-brand-store-metadata`,
      );
    const keys = await fileOf('keys.assert', 'type: account-key\nauthority-id: canonical\n');
    await expect(importInput('store', keys)).rejects.toThrow(
      `cannot push ${keys} as a store: it holds assertions; use push-account-keys, or push-snap with the snap that they belong to`,
    );
    const snap = await fileOf('core.snap', 'hsqs\0\0\0\0');
    await expect(importInput('store', snap)).rejects.toThrow(
      `cannot push ${snap} as a store: it is a snap; use push-snap with its NAME.assert beside it`,
    );
  });

  test('is an archive even where its head cannot be read', async () => {
    const broken = await fileOf('x.tar.gz', Buffer.from([0x1f, 0x8b, 8, 0]));
    await expect(importInput('store-metadata', broken)).rejects.toThrow(
      `cannot push ${broken} as a store's metadata: it is an archive; use push-snap or push-store`,
    );
  });

  test('is told from one that no push takes, which is refused as what it is', async () => {
    const other = await fileOf('x.json', '{"format": "something else"}');
    await expect(importInput('snap', other)).rejects.toThrow('it is not a .tar.gz archive');
    await expect(importInput('store-metadata', other)).rejects.toThrow('it is not a store metadata file');
    const bytes = await fileOf('x', Buffer.from([1, 0, 2]));
    await expect(importInput('account-keys', bytes)).rejects.toThrow(
      `cannot push ${bytes}: it holds no account-key assertion`,
    );
    const missing = join(await temporaryFolder(), 'missing');
    await expect(importInput('store', missing)).rejects.toMatchObject({ code: 'bundle-unreadable' });
  });
});
