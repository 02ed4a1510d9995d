import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { z } from 'zod';

import { PublisherError } from './errors.ts';
import { macaroonInvalid } from './macaroons.ts';

/** Whom a single-sign-on server says that it saw. */
export interface SsoAccount {
  readonly email: string;
  readonly isVerified: boolean;
}

const accountSchema = z.looseObject({ email: z.string().max(320), is_verified: z.boolean().default(false) });
const ZONE = /(?:Z|[+-]\d\d:?\d\d)$/;

/**
 * The identifier of a caveat for a single-sign-on server: the key of the discharge, for its eyes alone. That it is JSON with
 * `secret` and `version` is seen in macaroons of the public store; that the padding is OAEP is an assumption.
 * @param publicKey PEM
 * @throws PublisherError `invalid-field` for a text that is no public key
 */
export function ssoCaveatId(publicKey: string, key: Uint8Array): string {
  try {
    const options = { key: createPublicKey(publicKey), padding: constants.RSA_PKCS1_OAEP_PADDING };
    return JSON.stringify({ secret: publicEncrypt(options, key).toString('base64'), version: 1 });
  } catch (cause) {
    throw new PublisherError(
      'invalid',
      'invalid-field',
      'cannot use the key of the single-sign-on server: it is no RSA public key in PEM',
      { cause },
    );
  }
}

/**
 * Reads the caveats of a discharge: `LOCATION|account|BASE64-JSON`, `|valid_since|`, `|last_auth|`, `|expires|`
 * (protocol/publishers.md, section 2). Unknown ones are refused.
 * @throws PublisherError `macaroon-invalid`, or `discharge-expired` for one that has to be refreshed
 */
export function readDischarge(caveats: readonly string[], location: string, now: Date): SsoAccount {
  let account: SsoAccount | undefined;
  for (const text of caveats) {
    const [place, condition, ...rest] = text.split('|');
    const value = rest.join('|');
    if (place !== location) throw macaroonInvalid('its discharge has a caveat of another place');
    switch (condition) {
      case 'account':
        if (account !== undefined) throw macaroonInvalid('its discharge names two accounts');
        account = accountOf(value);
        break;
      case 'expires':
        if (now.getTime() >= instant(value))
          throw new PublisherError(
            'unauthenticated',
            'discharge-expired',
            'cannot accept the discharge: it has expired; refresh it',
          );
        break;
      case 'valid_since':
      case 'last_auth':
        instant(value);
        break;
      default:
        throw macaroonInvalid('its discharge has a caveat that is not understood');
    }
  }
  if (account === undefined) throw macaroonInvalid('its discharge names no account');
  return account;
}

function accountOf(value: string): SsoAccount {
  try {
    const said = accountSchema.parse(JSON.parse(Buffer.from(value, 'base64').toString('utf8')));
    return { email: said.email, isVerified: said.is_verified };
  } catch {
    throw macaroonInvalid('the account of its discharge cannot be read');
  }
}

/** Times without a zone are UTC. */
function instant(value: string): number {
  const at = Date.parse(ZONE.test(value) ? value : `${value}Z`);
  if (Number.isNaN(at)) throw macaroonInvalid('a time of its discharge cannot be read');
  return at;
}
