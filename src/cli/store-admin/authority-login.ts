import { loginAuthorization, readLoginFile } from '../../publishers/index.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { readDocument } from '../files.ts';

const TOKEN = /^[A-Za-z0-9_-]+=*$/;

/**
 * The `Authorization` header for the outside store: from a log-in file as `snapcraft export-login` writes it, a file with a bare
 * token, or STORE_ADMIN_TOKEN.
 *
 * @throws CliError `not-logged-in`
 */
export async function authorityLogin(context: CliContext, file: string | undefined): Promise<string> {
  const text =
    file === undefined ? context.terminal.env['STORE_ADMIN_TOKEN'] : await readDocument(context, file);
  const token = text?.trim();
  if (!token) {
    const sentence =
      'cannot log in to the outside store: name a log-in file by --auth, or set STORE_ADMIN_TOKEN';
    throw new CliError('unauthenticated', 'not-logged-in', sentence);
  }
  const login = readLoginFile(token);
  if (login !== undefined) return loginAuthorization(login);
  // The outside store may know tokens that are no macaroons.
  if (TOKEN.test(token)) return `Macaroon ${token}`;
  const sentence =
    'cannot read the log-in: it is neither a log-in file of "snapcraft export-login" nor a macaroon';
  throw new CliError('unauthenticated', 'not-logged-in', sentence);
}
