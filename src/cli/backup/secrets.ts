import type { Opener, Recipient } from '../../backup/index.ts';
import type { CliContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { readDocument } from '../files.ts';

/** Where a passphrase comes from when a person need not type it. */
interface PassphraseOptions {
  readonly passphraseFile?: string | undefined;
}

/** What a new backup is sealed to: `--public-key`, else a passphrase, which is asked for twice where somebody types it. */
export async function recipientOf(
  context: CliContext,
  options: PassphraseOptions & { readonly publicKey?: string | undefined },
): Promise<Recipient> {
  const { publicKey } = options;
  if (publicKey === undefined) return { passphrase: await passphraseOf(context, options, true) };
  if (options.passphraseFile !== undefined)
    throw usageError('cannot seal to a passphrase and to a public key: name one of them');
  const pem = await readDocument(context, publicKey);
  // It would work, and the host would have been told what opens its backups.
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem))
    throw usageError(
      `cannot seal to ${publicKey}: it holds a private key; name the public one, which "openssl pkey -in FILE -pubout" prints`,
    );
  return { publicKey: pem };
}

/** What opens a backup: `--private-key`, else the passphrase. */
export async function openerOf(
  context: CliContext,
  options: PassphraseOptions & { readonly privateKey?: string | undefined },
): Promise<Opener> {
  const { privateKey } = options;
  if (privateKey === undefined) return { passphrase: await passphraseOf(context, options, false) };
  return { privateKey: await readDocument(context, privateKey) };
}

async function passphraseOf(
  context: CliContext,
  { passphraseFile }: PassphraseOptions,
  fresh: boolean,
): Promise<string> {
  const { terminal } = context;
  if (passphraseFile !== undefined) {
    const text = await readDocument(context, passphraseFile);
    return text.replace(/\r?\n$/, '');
  }
  const given = terminal.env['AIRLOCK_BACKUP_PASSPHRASE'];
  if (given) return given;
  if (!terminal.stdin.isTTY)
    throw usageError(
      'cannot ask for the passphrase: name a file by --passphrase-file, or set AIRLOCK_BACKUP_PASSPHRASE',
    );
  const passphrase = await context.prompts.askHidden('Passphrase of the backup');
  if (fresh && (await context.prompts.askHidden('The same again')) !== passphrase)
    throw usageError('cannot seal the backup: the two passphrases differ');
  return passphrase;
}
