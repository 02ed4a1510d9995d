import { z } from 'zod';

import { CliError } from '../errors.ts';
import { readDocument } from '../files.ts';
import type { Terminal } from '../terminal.ts';

/** Log-in files as `snapcraft export-login` writes them: base64 of JSON (protocol/publishers.md, section 3.5 and 4). */
const onPrem = z.object({ t: z.literal('macaroon'), v: z.string() });
const MACAROON = /^[A-Za-z0-9_-]+=*$/;

/**
 * The credential for the outside store: a log-in file, a file with a bare macaroon, or STORE_ADMIN_TOKEN.
 *
 * @throws CliError `not-logged-in`
 */
export async function authorityToken(terminal: Terminal, file: string | undefined): Promise<string> {
  const text = file === undefined ? terminal.env['STORE_ADMIN_TOKEN'] : await readDocument(terminal, file);
  const token = text?.trim();
  if (!token) {
    const sentence =
      'cannot log in to the outside store: name a log-in file by --auth, or set STORE_ADMIN_TOKEN';
    throw new CliError('unauthenticated', 'not-logged-in', sentence);
  }
  return fromLoginFile(token) ?? bareMacaroon(token);
}

function fromLoginFile(text: string): string | undefined {
  try {
    return onPrem.parse(JSON.parse(Buffer.from(text, 'base64').toString('utf8'))).v;
  } catch {
    return undefined;
  }
}

function bareMacaroon(text: string): string {
  if (MACAROON.test(text)) return text;
  const sentence =
    'cannot read the log-in: it is neither a log-in file of "snapcraft export-login" nor a macaroon';
  throw new CliError('unauthenticated', 'not-logged-in', sentence);
}
