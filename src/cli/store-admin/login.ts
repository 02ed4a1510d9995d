import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { CliError, usageError } from '../errors.ts';
import { updateProfile } from '../profile.ts';
import { note, print } from '../terminal.ts';
import { gatewayClient } from './gateway.ts';

const exchangeSchema = z.looseObject({ macaroon: z.string().min(1) });
const whoamiSchema = z.looseObject({
  account: z.looseObject({ id: z.string(), email: z.string().nullable() }),
  'session-id': z.string(),
});

/** `store-admin login --offline URL EMAIL`: exchanges STORE_ADMIN_TOKEN for a token of the store's gateway. */
export function loginCommand(context: CliContext) {
  return new Command('login')
    .description('log in to an air-gapped store with the admin token that its export made')
    .argument('<url>', 'address of the store, such as http://store.example')
    .argument('<email>', 'e-mail address of the admin, the same as at the export')
    .requiredOption('--offline', 'log in to an air-gapped store (the only way there is)')
    .action((url, email) => login(context, url, email));
}

async function login(context: CliContext, address: string, email: string): Promise<void> {
  const url = storeAddress(address);
  const adminToken = context.terminal.env['STORE_ADMIN_TOKEN']?.trim();
  if (!adminToken) {
    const sentence =
      'cannot log in: set STORE_ADMIN_TOKEN to the admin token that "store-admin export store" wrote';
    throw new CliError('unauthenticated', 'not-logged-in', sentence);
  }
  print(context.terminal, 'Exchanging store admin macaroon for a publisher gateway admin macaroon...');
  const { macaroon } = await gatewayClient(context, url)
    .request('/v1/tokens/offline/exchange', exchangeSchema, {
      method: 'POST',
      json: { macaroon: adminToken },
    })
    .catch((error: unknown) => {
      throw refused(url, error);
    });
  const gateway = gatewayClient(context, url, macaroon);
  const { account, 'session-id': session } = await gateway.request('/v1/tokens/whoami', whoamiSchema);
  if (account.email?.toLowerCase() !== email.toLowerCase()) {
    // Nobody will ever use the token that was just made.
    await gateway.perform('/v1/tokens/revoke', { method: 'POST', json: { 'session-id': session } });
    const sentence = `cannot log in as ${email}: the admin token belongs to another e-mail address`;
    throw new CliError('forbidden', 'not-logged-in', sentence);
  }
  await updateProfile(context.terminal.env, { store: { url, token: macaroon, email } });
  note(context.terminal, `Logged in to ${url} as ${email}.`);
}

/** An http or https address without its last slash. */
function storeAddress(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw usageError(`cannot log in to "${text}": write the store's address as http://HOST or https://HOST`);
  }
  return url.href.replace(/\/+$/, '');
}

/** What the store's answer means to who logs in. */
function refused(url: string, error: unknown): unknown {
  if (!(error instanceof CliError) || error.code !== 'server-refused') return error;
  const { kind, message, told } = error;
  if (kind === 'not-found')
    return new CliError(
      kind,
      'not-logged-in',
      `cannot log in to ${url}: no gateway is there; an air-gapped store has one, an online host or an authority has none`,
      { cause: error, told },
    );
  if (kind !== 'invalid' && kind !== 'unauthenticated') return error;
  return new CliError(
    'unauthenticated',
    'not-logged-in',
    `cannot log in to ${url}: it does not take STORE_ADMIN_TOKEN (${message}); use the token of the export that was pushed there`,
    { cause: error, told },
  );
}
