import { join } from 'node:path';
import { DataFolder, type SecretBox } from '../config/index.ts';
import {
  openDatabase,
  BlobPlaces,
  openFileBlobStore,
  SettingStore,
  tracedDatabase,
  type Database,
} from '../storage/index.ts';
import { openTracing, type Log, type Tracing } from '../telemetry/index.ts';

/** The environment variables of a process, as an argument. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What every part of one appliance stands on: everything persistent, opened. */
export interface Foundation {
  readonly dataFolder: DataFolder;
  readonly secretBox: SecretBox;
  readonly database: Database;
  readonly settings: SettingStore;
  readonly blobs: BlobPlaces;
  readonly log: Log;
  readonly tracing: Tracing;
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
 * Opens the data folder, its secrets, the database (AIRLOCK_DATABASE_URL, else the folder's own file) and the blobs; a bucket is
 * asked for nothing yet.
 * @throws AirlockError what stands in the way, in one sentence
 */
export async function openFoundation({ data, env, log }: FoundationOptions): Promise<Foundation> {
  const tracing = await openTracing(env, log);
  const dataFolder = await new DataFolder(data, env).prepare();
  const secretBox = await dataFolder.openSecretBox();
  const address = env['AIRLOCK_DATABASE_URL'];
  await dataFolder.requireSameDatabase(!!address);
  const location = address ? { postgresql: address } : { file: dataFolder.database };
  const database = tracedDatabase(await openDatabase(location), tracing);
  const settings = new SettingStore(database, secretBox);
  const folder = await openFileBlobStore(dataFolder.blobs, dataFolder.staging);
  return {
    dataFolder,
    secretBox,
    database,
    settings,
    blobs: new BlobPlaces({ folder, settings, database }),
    log,
    tracing,
    env,
    clock: () => new Date(),
  };
}

/** Where exports and fetches go that name no folder. */
export function exportFolderOf({ root }: DataFolder): string {
  return join(root, 'exports');
}
