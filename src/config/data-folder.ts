import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AirlockError } from '../errors.ts';
import { makeFolder } from '../folders.ts';
import { lockDataFolder, type DataFolderLock } from './data-folder-lock.ts';
import {
  ensureMasterKey,
  masterKeySource,
  openSecretBox,
  rotateMasterKey,
  type MasterKeySource,
} from './master-key.ts';
import { systemErrorCode, writePrivateFile } from './private-file.ts';
import type { SecretBox } from './secret-box.ts';
import type { SecretEnvironment } from './secret-file.ts';

/** What can be wrong with a data folder. */
export type DataFolderErrorCode =
  'data-folder-unusable' | 'data-folder-in-use' | 'master-key-missing' | 'database-elsewhere';

/** A data folder that cannot be used; the sentence names it. */
export class DataFolderError extends AirlockError<DataFolderErrorCode> {}

/**
 * Everything persistent of one appliance, under one folder (`--data`, `AIRLOCK_DATA`). Holds paths; makes folders for their
 * owner alone. Nothing outside it needs to be backed up, but a master key that is kept elsewhere.
 */
export class DataFolder {
  /** Absolute. */
  readonly root: string;
  readonly #environment: SecretEnvironment;

  /** Names the folder; nothing is touched yet. */
  constructor(root: string, environment: SecretEnvironment = process.env) {
    this.root = resolve(root);
    this.#environment = environment;
  }

  /** The embedded database, with its -wal and -shm files beside it. */
  get database(): string {
    return join(this.root, 'database.sqlite');
  }
  /** Is there where the database is PostgreSQL, whose address is in the environment alone. */
  get databaseElsewhere(): string {
    return join(this.root, 'database-elsewhere');
  }
  /** Snaps and other large content, by SHA3-384. */
  get blobs(): string {
    return join(this.root, 'blobs');
  }
  /** Unfinished downloads, uploads and unpacked bundles; may be emptied while nothing runs. On the file system of the blobs. */
  get staging(): string {
    return join(this.root, 'staging');
  }
  /** The embedded SoftHSM token. */
  get softHsm(): string {
    return join(this.root, 'softhsm');
  }
  /** The embedded Temporal server's database. */
  get temporalDatabase(): string {
    return join(this.root, 'temporal.db');
  }
  /** The master keys, unless they are kept elsewhere: see {@link masterKeySource}. */
  get masterKey(): string {
    return join(this.root, 'master.key');
  }
  /** What is true only while the appliance runs. */
  get run(): string {
    return join(this.root, 'run');
  }
  /** The token with which commands on this machine act as the operator. */
  get operatorToken(): string {
    return join(this.run, 'operator.token');
  }
  /** Where the running appliance listens, as JSON. */
  get addresses(): string {
    return join(this.run, 'addresses.json');
  }
  /** The process id of the running appliance, as text. */
  get processId(): string {
    return join(this.run, 'airlock.pid');
  }

  get masterKeySource(): MasterKeySource {
    return masterKeySource(this.masterKey, this.#environment);
  }

  /**
   * Makes the folders and the master key where they are missing. Throws {@link DataFolderError}: also when there is a
   * database and no master key, because a new key could not open its secrets.
   */
  async prepare(): Promise<this> {
    try {
      for (const path of [this.root, this.blobs, this.staging, this.run]) {
        await makeFolder(path, 0o700);
      }
    } catch (error) {
      throw new DataFolderError(
        'invalid',
        'data-folder-unusable',
        `cannot use ${this.root} as data folder: ${reasonOf(error)}; name another by --data`,
        { cause: error },
      );
    }
    const source = this.masterKeySource;
    if (!source.external && !existsSync(source.path) && existsSync(this.database)) {
      throw new DataFolderError(
        'conflict',
        'master-key-missing',
        `cannot open the secrets in ${this.root}: ${source.path} is missing; restore it from your copy`,
      );
    }
    await ensureMasterKey(source);
    return this;
  }

  /**
   * Keeps a start that lacks the database's address from beginning with an empty one, in which nothing that devices have would be known.
   *
   * @param elsewhere whether the database is not the file of this folder
   * @throws DataFolderError `database-elsewhere`
   */
  async requireSameDatabase(elsewhere: boolean): Promise<void> {
    const noted = existsSync(this.databaseElsewhere);
    if (elsewhere && !noted) await this.write(this.databaseElsewhere, 'PostgreSQL\n');
    if (elsewhere || !noted) return;
    throw new DataFolderError(
      'conflict',
      'database-elsewhere',
      `cannot open ${this.root}: its database is PostgreSQL; set AIRLOCK_DATABASE_URL to its address, or remove ${this.databaseElsewhere} to begin with an empty one`,
    );
  }

  /** Claims the folder for this process. Throws {@link DataFolderError} `data-folder-in-use`. */
  async lock(): Promise<DataFolderLock> {
    const outcome = await lockDataFolder(this.run);
    if ('release' in outcome) return outcome;
    throw new DataFolderError(
      'conflict',
      'data-folder-in-use',
      `cannot use ${this.root}: process ${outcome.pid} on ${outcome.host} uses it; stop that one first`,
    );
  }

  /** The box that seals this appliance's secrets. Throws `SecretError` when the master key cannot be used. */
  openSecretBox(): Promise<SecretBox> {
    return openSecretBox(this.masterKeySource);
  }

  /** Makes a new master key, which seals from now on; resolves to its id. Throws `SecretError` `master-key-external`. */
  rotateMasterKey(box: SecretBox): Promise<string> {
    return rotateMasterKey(this.masterKeySource, box);
  }

  /** Writes one of the files above, for its owner alone, whole or not at all. */
  write(path: string, text: string): Promise<void> {
    return writePrivateFile(path, text);
  }
}

/** Why a folder cannot be made, in words. */
function reasonOf(error: unknown): string {
  const code = systemErrorCode(error) ?? 'unknown';
  switch (code) {
    case 'EEXIST':
    case 'ENOTDIR':
      return 'a file is in its place';
    case 'EACCES':
    case 'EPERM':
      return 'you may not write there';
    case 'EROFS':
      return 'its file system is read-only';
    case 'ENOSPC':
      return 'its disk is full';
    case 'ENOENT':
      return 'no folder can be made there';
    default:
      return code;
  }
}
