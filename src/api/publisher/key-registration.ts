import {
  boundHeaders,
  decodeAssertion,
  decodePublicKey,
  isWithinBounds,
  keyBounds,
  text,
  verifySelfSigned,
  type Assertion,
  type KeyBounds,
} from '../../assertions/index.ts';
import { AirlockError } from '../../errors.ts';
import { decideKeyRegistration, narrowedBounds } from '../../publishers/index.ts';
import { accountKeysOf, findAccountKey } from '../../storage/authority/index.ts';
import type { PublisherApiDeps } from './deps.ts';

/** A registered key and its account-key assertion. */
export interface KeyRegistration {
  readonly accountId: string;
  readonly name: string;
  readonly keyId: string;
  readonly assertion: Assertion;
}

/** Account keys sign for years: what the documented product makes is the least that is taken. */
const MIN_KEY_BITS = 4096;

/**
 * Registers the key of an account-key-request: checked here, signed by the authority's store key in a durable process.
 * The same request again gets the same account-key.
 *
 * @param asking the account that the key must be for
 * @param narrower bounds that the authority sets, within those that are asked for
 * @throws AssertionError, PublisherError or AirlockError
 */
export async function registerAccountKey(
  deps: PublisherApiDeps,
  asking: string,
  requestText: string,
  actor: string,
  narrower: KeyBounds = {},
): Promise<KeyRegistration> {
  const request = readRequest(requestText);
  const accountId = text(request, 'account-id');
  const keyId = text(request, 'public-key-sha3-384');
  const name = text(request, 'name');
  const bounds = narrowedBounds(keyBounds(request), narrower);
  const { until } = bounds;
  const { queries } = deps.database;
  const known = await findAccountKey(queries, keyId);
  const registered = [...(await accountKeysOf(queries, accountId)), ...(known ? [known] : [])];
  const asked = {
    accountId,
    name,
    keyId,
    since: new Date(text(request, 'since')),
    until: until === undefined ? undefined : new Date(until),
  };
  if (decideKeyRegistration(asked, asking, registered, deps.clock()) === 'register') {
    const isNarrower = Object.keys(boundHeaders(narrower)).length > 0;
    await deps.processes.issue({
      actor,
      requests: [{ kind: 'account-key', request: requestText, ...(isNarrower && { bounds: narrower }) }],
    });
  }
  const key = await findAccountKey(queries, keyId);
  if (!key)
    throw new AirlockError('internal', 'key-not-issued', 'cannot find the account-key that was just signed');
  if (!isWithinBounds(keyBounds(key.assertion), narrower)) {
    const sentence =
      'cannot narrow the account-key: it is registered already; revoke it, and register another key';
    throw new AirlockError('conflict', 'key-conflict', sentence);
  }
  return { accountId, name, keyId, assertion: key.assertion };
}

/**
 * Revokes a key: a new revision of its account-key that ends where it began. Devices and hosts that hold the old
 * revision learn it with their next look-up or import.
 *
 * @param accountId whose key it must be; undefined for the operator
 */
export async function revokeAccountKey(
  deps: PublisherApiDeps,
  keyId: string,
  actor: string,
  accountId?: string,
): Promise<Assertion> {
  const key = await findAccountKey(deps.database.queries, keyId);
  if (!key || (accountId !== undefined && key.accountId !== accountId)) {
    const sentence = `cannot revoke the key ${keyId.slice(0, 64)}: no such key is registered`;
    throw new AirlockError('not-found', 'resource-not-found', sentence);
  }
  await deps.processes.issue({ actor, requests: [{ kind: 'account-key-revocation', keyId }] });
  const revoked = await findAccountKey(deps.database.queries, keyId);
  return (revoked ?? key).assertion;
}

function readRequest(requestText: string): Assertion {
  const request = decodeAssertion(requestText);
  if (request.type !== 'account-key-request') {
    const sentence = `cannot register a key: an account-key-request is needed, this is a ${request.type}`;
    throw new AirlockError('invalid', 'invalid-field', sentence);
  }
  verifySelfSigned(request);
  const { bits } = decodePublicKey(request.body);
  if (bits < MIN_KEY_BITS) {
    const sentence = `cannot register the key: it has ${bits} bits, and ${MIN_KEY_BITS} are needed`;
    throw new AirlockError('invalid', 'invalid-field', sentence);
  }
  return request;
}
