import { DataFolder, type SecretBox } from '../config/index.ts';
import {
  openDatabase,
  openFileBlobStore,
  SettingStore,
  type BlobStore,
  type Database,
} from '../storage/index.ts';
import type { Log } from '../telemetry/index.ts';

/** The environment variables of a process, as an argument. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What every part of one appliance stands on: everything persistent, opened. */
export interface Foundation {
  readonly dataFolder: DataFolder;
  readonly secretBox: SecretBox;
  readonly database: Database;
  readonly settings: SettingStore;
  readonly blobs: BlobStore;
  readonly log: Log;
  readonly env: Environment;
  readonly clock: () => Date;
}

/** How to open it. */
export interface FoundationOptions {
  /** `--data` or AIRLOCK_DATA. */
  readonly data: string;
  readonly env: Environment;
  readonly log: Log;
}

/**
 * Opens the data folder, its secrets, the database (AIRLOCK_DATABASE_URL, else the folder's own file) and the blobs.
 * @throws AirlockError what stands in the way, in one sentence
 */
export async function openFoundation({ data, env, log }: FoundationOptions): Promise<Foundation> {
  const dataFolder = await new DataFolder(data, env).prepare();
  const secretBox = await dataFolder.openSecretBox();
  const address = env['AIRLOCK_DATABASE_URL'];
  const database = await openDatabase(address ? { postgresql: address } : { file: dataFolder.database });
  return {
    dataFolder,
    secretBox,
    database,
    settings: new SettingStore(database, secretBox),
    blobs: await openFileBlobStore(dataFolder.blobs, dataFolder.staging),
    log,
    env,
    clock: () => new Date(),
  };
}
