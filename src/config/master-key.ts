import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createPrivateFile, writePrivateFile } from './private-file.ts';
import { MASTER_KEY_BYTES, SecretBox, masterKey, type MasterKey } from './secret-box.ts';
import { SecretError } from './secret-error.ts';
import { readSecretFile, systemdCredential, type SecretEnvironment } from './secret-file.ts';

/** Where the master keys are kept. */
export interface MasterKeySource {
  readonly path: string;
  /** Kept by the operator or the service manager, outside the data folder: never written by us. */
  readonly external: boolean;
}

const CREDENTIAL = 'airlock-master-key';
const HEADING = [
  '# Master keys of this Airlock data folder: the first line seals, all of them open.',
  '# Without this file the secrets in the database cannot be read. Keep a copy, apart from the backups.',
];

/** `AIRLOCK_MASTER_KEY_FILE`, else systemd's credential `airlock-master-key`, else the data folder's own file. */
export function masterKeySource(
  ownFile: string,
  environment: SecretEnvironment = process.env,
): MasterKeySource {
  const named = environment['AIRLOCK_MASTER_KEY_FILE'];
  if (named !== undefined && named !== '') return { path: named, external: true };
  const credential = systemdCredential(CREDENTIAL, environment);
  return credential === undefined ? { path: ownFile, external: false } : { path: credential, external: true };
}

/** Makes the data folder's own key file unless it is there; several processes may do so at once and get one key. */
export async function ensureMasterKey(source: MasterKeySource): Promise<void> {
  if (source.external || existsSync(source.path)) return;
  await createPrivateFile(source.path, keyFileText([masterKey(randomBytes(MASTER_KEY_BYTES))]));
}

/** Reads the ring of master keys. Throws {@link SecretError} when there is none, or a line of it is no key. */
async function readMasterKeys(source: MasterKeySource): Promise<MasterKey[]> {
  return ringOf(await readSecretFile(source.path), source);
}

function ringOf(text: string, source: MasterKeySource): MasterKey[] {
  const lines = text.split('\n').map((line) => line.trim());
  const ring = lines.flatMap((line, index) => {
    return line === '' || line.startsWith('#') ? [] : [parseKey(line, `${source.path}, line ${index + 1}`)];
  });
  if (ring.length > 0) return ring;
  throw new SecretError('invalid', 'master-key-invalid', `cannot find a master key in ${source.path}`);
}

/** The box over the keys of a source; it looks there again when a text names a key that it does not know. */
export async function openSecretBox(source: MasterKeySource): Promise<SecretBox> {
  return new SecretBox(await readMasterKeys(source), () => ringOf(readFileSync(source.path, 'utf8'), source));
}

/**
 * Puts a new key in front of the ring, on disk first and then in the box; resolves to its id. Sealed texts are resealed by
 * whoever keeps them. Throws {@link SecretError} `master-key-external` when the file is not ours to write.
 */
export async function rotateMasterKey(source: MasterKeySource, box: SecretBox): Promise<string> {
  if (source.external) {
    throw new SecretError(
      'conflict',
      'master-key-external',
      `cannot rotate the master key: it is kept in ${source.path}; put a line with a new key on top of it and restart`,
    );
  }
  const newest = masterKey(randomBytes(MASTER_KEY_BYTES));
  await writePrivateFile(source.path, keyFileText([newest, ...(await readMasterKeys(source))]));
  box.rotate(newest);
  return newest.id;
}

function keyFileText(ring: readonly MasterKey[]): string {
  return [...HEADING, ...ring.map(({ key }) => Buffer.from(key).toString('base64')), ''].join('\n');
}

/** One key in base64, base64url or hex, as `openssl rand` prints them. */
function parseKey(line: string, place: string): MasterKey {
  if (/^[0-9a-fA-F]{64}$/.test(line)) return masterKey(Buffer.from(line, 'hex'));
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(line)) return masterKey(Buffer.from(line, 'base64'));
  throw new SecretError(
    'invalid',
    'master-key-invalid',
    `cannot use the master key in ${place}: it must be 32 bytes in base64 or hex, as \`openssl rand -base64 32\` prints them`,
  );
}
