import type { TokenOffice } from '../../storage/authority/index.ts';
import type { BlobStore, Database, SettingStore } from '../../storage/index.ts';

/** What exports need from the host. */
export interface ExportDeps {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly settings: SettingStore;
  readonly tokens: TokenOffice;
  readonly now: () => Date;
  /** Folder for exports that name none. */
  readonly exportFolder: string;
  /** The host that tokens are for, as people know it. */
  readonly location: string;
}
