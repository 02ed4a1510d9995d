import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { sentenceOf } from '../errors.ts';
import { SecretError } from './secret-error.ts';

/** Secrets are short; anything longer is another file. */
const LARGEST = 64 * 1024;
const OTHERS_MAY_READ = 0o004;

/** The environment, as far as secrets are concerned; a parameter so that tests need not change the process's own. */
export type SecretEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * The text of a file that holds a secret. Throws {@link SecretError} when it cannot be read, is not a small regular file,
 * or may be read by every user of the machine.
 */
export async function readSecretFile(path: string): Promise<string> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw unreadable(path, sentenceOf(error), error);
  });
  try {
    const facts = await file.stat();
    if (!facts.isFile() || facts.size > LARGEST) throw unreadable(path, 'it is not a small regular file');
    if ((facts.mode & OTHERS_MAY_READ) !== 0) {
      throw new SecretError(
        'invalid',
        'secret-file-exposed',
        `cannot use ${path}: every user may read it; run \`chmod 600 ${path}\``,
      );
    }
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/**
 * Reads a PIN from a file each time it is asked for, so that a corrected PIN needs no restart. White space at the end is
 * not part of the PIN. Fits `openHsm`'s `pin`. The returned function throws {@link SecretError}.
 */
export function pinFromFile(path: string): () => Promise<string> {
  return async () => {
    const pin = (await readSecretFile(path)).trimEnd();
    if (pin === '')
      throw new SecretError('invalid', 'secret-file-empty', `cannot take the PIN from ${path}: it is empty`);
    return pin;
  };
}

/** The path of a credential that systemd handed to the service (LoadCredential=), or nothing when it did not. */
export function systemdCredential(
  name: string,
  environment: SecretEnvironment = process.env,
): string | undefined {
  const directory = environment['CREDENTIALS_DIRECTORY'];
  if (directory === undefined || directory === '') return undefined;
  const path = join(directory, name);
  return existsSync(path) ? path : undefined;
}

function unreadable(path: string, why: string, cause?: unknown): SecretError {
  return new SecretError('invalid', 'secret-file-unreadable', `cannot read the secret in ${path}: ${why}`, {
    cause,
  });
}
