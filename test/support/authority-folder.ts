/** An authority before its first start, with what others need to reach it: tests that serve it begin with this. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeStream } from '../../src/assertions/index.ts';
import { DataFolder } from '../../src/config/index.ts';
import type { Permission } from '../../src/publishers/index.ts';
import { TokenOffice } from '../../src/storage/authority/index.ts';
import { SettingStore } from '../../src/storage/index.ts';
import { issueLogin } from './login.ts';
import { Outside, openHost } from '../workflows/hosts.ts';

/** An authority's data folder that is open for changes, and files beside it. */
export interface AuthorityFolder {
  readonly data: string;
  readonly outside: Outside;
  /** File of the root to trust. */
  readonly root: string;
  /** Writes a log-in of the store's admin that may do so much, and gives its file. */
  readonly login: (...permissions: readonly Permission[]) => Promise<string>;
  /** Ends the changes: it can be served then. */
  readonly close: () => Promise<void>;
}

/** Makes the data folder of an authority below `folder`, with a brand, its stores and their admin, and no snap yet. */
export async function authorityFolder(folder: string): Promise<AuthorityFolder> {
  const data = join(folder, 'authority');
  const dataFolder = await new DataFolder(data, {}).prepare();
  const host = await openHost(data);
  const outside = await Outside.on(host);
  const settings = new SettingStore(host.database, await dataFolder.openSecretBox());
  const tokens = new TokenOffice({ database: host.database, settings, random: randomBytes });
  const root = join(folder, 'root.assert');
  await writeFile(root, encodeStream(outside.chain.roots));
  return {
    data,
    outside,
    root,
    async login(...permissions) {
      const file = join(folder, `${permissions.join('-')}.login`);
      await writeFile(file, await issueLogin(tokens, 'ada', permissions), { mode: 0o600 });
      return file;
    },
    close: () => host.database.close(),
  };
}
