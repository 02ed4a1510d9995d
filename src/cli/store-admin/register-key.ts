import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { save } from '../files.ts';
import { HttpClient } from '../http-client.ts';
import { askedBounds, CONSTRAINT, repeated, UNTIL, type AskedBounds } from '../key-bounds.ts';
import { note, print } from '../terminal.ts';
import { authorityLogin } from './authority-login.ts';
import { brandGateway } from './gateway.ts';

const registrationSchema = z.looseObject({ state: z.string(), 'account-key-request': z.string().nullable() });

/**
 * `store-admin register-key SHA3-384`: has the HSM sign an account-key-request, which the host hands to the store that vouches
 * for the brand's keys, or this command with `--authority`, or whoever carries the file of `--request-out`.
 */
export function registerKeyCommand(context: CliContext) {
  return new Command('register-key')
    .description('register a signing key with the outside store, before it can sign serials')
    .argument('<sha3-384>', 'the key, as "list keys" shows it')
    .option(
      '--authority <address>',
      'hand it over from here: address of the outside store (AIRLOCK_AUTHORITY_URL)',
    )
    .option('--auth <file>', 'log-in for it; STORE_ADMIN_TOKEN when absent')
    .option('--request-out <file>', 'write the account-key-request here, to be carried to the outside store')
    .option('--assertion-out <file>', 'write the account-key here, for push-account-keys')
    .option(...UNTIL)
    .option(...CONSTRAINT, repeated)
    .action((keyId, options) => registerKey(context, keyId, options));
}

interface RegisterOptions {
  readonly authority?: string | undefined;
  readonly auth?: string | undefined;
  readonly requestOut?: string | undefined;
  readonly assertionOut?: string | undefined;
  readonly until?: string | undefined;
  readonly constraint?: readonly string[] | undefined;
}

async function registerKey(context: CliContext, keyId: string, options: RegisterOptions): Promise<void> {
  const { terminal } = context;
  const bounds = askedBounds(options);
  const url = options.authority ?? terminal.env['AIRLOCK_AUTHORITY_URL'];
  if (url === undefined && options.requestOut === undefined)
    return registerFromHost(context, keyId, options, bounds);
  const request = await requestFor(context, keyId, bounds);
  if (options.requestOut !== undefined) {
    await save(options.requestOut, request);
    print(terminal, `Account key request exported to: ${options.requestOut}`);
    note(
      terminal,
      'Carry it to the outside store, register it there, and push the account-key that it gives.',
    );
  }
  if (url === undefined) return;
  print(terminal, 'Registering signing key with the global Snap Store...');
  const authority = new HttpClient({
    url: url.replace(/\/+$/, ''),
    authorization: await authorityLogin(context, options.auth),
    name: 'the outside store',
    hint: 'check the address, or carry the request there with --request-out',
    signal: context.signal,
  });
  await authority.perform('/dev/api/account/account-key', {
    method: 'POST',
    json: { account_key_request: request },
  });
  print(terminal, '');
  print(terminal, `Key ${keyId} registered.`);
  if (options.assertionOut === undefined) return;
  await save(options.assertionOut, await accountKey(authority, keyId));
  note(terminal, `Account key exported to: ${options.assertionOut}`);
}

/** The store's host hands the request over itself, where it has a route to the outside store. */
async function registerFromHost(
  context: CliContext,
  keyId: string,
  { assertionOut }: RegisterOptions,
  bounds: AskedBounds,
): Promise<void> {
  if (assertionOut !== undefined) {
    const sentence =
      'cannot write the account-key from here: name the outside store that has it by --authority';
    throw new CliError('invalid', 'not-configured', sentence);
  }
  const { terminal } = context;
  const gateway = await brandGateway(context);
  print(terminal, 'Registering signing key with the global Snap Store...');
  await gateway.client.request(gateway.path('signing_key', keyId, 'register'), registrationSchema, {
    method: 'POST',
    json: { deliver: 'upstream', ...bounds },
  });
  print(terminal, '');
  print(terminal, `Key ${keyId} registered.`);
}

async function requestFor(context: CliContext, keyId: string, bounds: AskedBounds): Promise<string> {
  const gateway = await brandGateway(context);
  const registration = await gateway.client.request(
    gateway.path('signing_key', keyId, 'register'),
    registrationSchema,
    {
      method: 'POST',
      json: { deliver: 'file', ...bounds },
    },
  );
  const request = registration['account-key-request'];
  if (request !== null) return request;
  throw new CliError(
    'conflict',
    'server-refused',
    `cannot register the key ${keyId}: it is registered already`,
  );
}

function accountKey(authority: HttpClient, keyId: string): Promise<string> {
  return authority.text(`/v2/assertions/account-key/${encodeURIComponent(keyId)}`, {
    headers: { accept: 'application/x.ubuntu.assertion' },
  });
}
