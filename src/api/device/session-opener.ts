import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import {
  type Assertion,
  type AssertionSource,
  type AssertionTypeName,
  combinedSource,
  decodeAssertion,
  sourceOf,
  verifyChain,
} from '../../assertions/index.ts';
import { storeOfModel } from '../../brands/index.ts';
import { readNonce } from '../../devices/session-nonces.ts';
import {
  checkSessionRequest,
  type DeviceIdentity,
  SESSION_LIFE,
  SessionError,
  type SessionErrorCode,
} from '../../devices/sessions.ts';
import { AirlockError } from '../../errors.ts';
import { assertionSource, trustedRoots } from '../../storage/index.ts';
import type { DeviceApiDeps } from './deps.ts';
import { type Gate, isBlocked } from './gate.ts';
import { badRequest } from './http.ts';
import { type DeviceSession, purposeKey } from './session-tokens.ts';

/** The texts of a session request. */
export interface SessionTexts {
  readonly request: string;
  readonly serial: string;
  readonly model: string;
}

/** For how long a verified model is not verified again, in milliseconds: keys end at some moment. */
const VERIFIED_MS = 60_000;

/** What was verified under one generation of the catalog. */
interface Trust {
  readonly catalog: object;
  readonly source: AssertionSource;
  readonly trusted: AssertionSource;
  readonly verified: LRUCache<string, true>;
}

/** Opens device sessions: every check of protocol/devices.md section 2, in the order of their cost. */
export class SessionOpener {
  readonly #deps: DeviceApiDeps;
  readonly #gate: Gate;
  #trust: Trust | undefined;

  constructor(deps: DeviceApiDeps, gate: Gate) {
    this.#deps = deps;
    this.#gate = gate;
  }

  /** Checks everything and returns the session's token. Throws {@link SessionError}, BrandError and `device-blocked`. */
  async open(texts: SessionTexts, userAgent: string | undefined): Promise<string> {
    const { catalog, blocks, secrets, tokens } = await this.#gate.held();
    if (secrets.length === 0) throw inactive();
    const now = this.#deps.clock();
    const assertions = {
      request: decode(texts.request),
      serial: decode(texts.serial),
      model: decode(texts.model),
    };
    const identity = checkSessionRequest(assertions);
    const nonce = readNonce(
      identity.nonce,
      secrets.map(({ secret }) => purposeKey(secret, 'nonce')),
      now,
    );
    const storeId = storeOfModel(catalog.stores, identity.brandId, identity.modelStore);
    const trust = await this.#trustOf(catalog);
    await verify(trust, assertions.model, now, 'model-untrusted');
    await verify(knowing(trust, assertions.model), assertions.serial, now, 'serial-untrusted');
    const session = this.#sessionOf(identity, storeId, now);
    if (isBlocked(session, blocks)) {
      throw new AirlockError('forbidden', 'device-blocked', 'cannot open a session: this device is blocked');
    }
    await this.#record(identity, storeId, nonce.text, nonce.expiresAt, now, userAgent);
    return tokens.issue(session, now);
  }

  #sessionOf(identity: DeviceIdentity, storeId: string, now: Date): DeviceSession {
    const life = this.#deps.sessionLife ?? SESSION_LIFE;
    return {
      id: Buffer.from(this.#deps.random(12)).toString('base64url'),
      brandId: identity.brandId,
      model: identity.model,
      serial: identity.serial,
      deviceKeyId: identity.deviceKeyId,
      storeId,
      softEnd: new Date(now.getTime() + life.softSeconds * 1000),
      end: new Date(now.getTime() + life.hardSeconds * 1000),
    };
  }

  /** Spends the nonce and notes that the device was here, in one transaction: a nonce is spent once, whoever is first. */
  async #record(
    identity: DeviceIdentity,
    storeId: string,
    nonce: string,
    expiresAt: Date,
    now: Date,
    userAgent: string | undefined,
  ): Promise<void> {
    const at = now.toISOString();
    const seen = {
      deviceKeyId: identity.deviceKeyId,
      storeId,
      userAgent: userAgent?.slice(0, 255) ?? null,
      lastSeenAt: at,
    };
    await this.#deps.database.transaction(async (queries) => {
      const spent = await queries
        .insertInto('SpentNonce')
        .values({ nonce, expiresAt: expiresAt.toISOString() })
        .onConflict((conflict) => conflict.column('nonce').doNothing())
        .executeTakeFirst();
      if (Number(spent.numInsertedOrUpdatedRows ?? 0) === 0) {
        throw new SessionError(
          'nonce-spent',
          'cannot open a session: the nonce was used before; ask for a new one',
        );
      }
      await queries
        .insertInto('Device')
        .values({
          brandId: identity.brandId,
          modelName: identity.model,
          serial: identity.serial,
          firstSeenAt: at,
          ...seen,
        })
        .onConflict((conflict) => conflict.columns(['brandId', 'modelName', 'serial']).doUpdateSet(seen))
        .execute();
    });
  }

  async #trustOf(catalog: object): Promise<Trust> {
    if (this.#trust?.catalog === catalog) return this.#trust;
    const { queries } = this.#deps.database;
    const roots = await trustedRoots(queries);
    const trust: Trust = {
      catalog,
      source: remembering(assertionSource(queries)),
      trusted: sourceOf(roots),
      verified: new LRUCache({ max: 1000, ttl: VERIFIED_MS, ttlAutopurge: false }),
    };
    this.#trust = trust;
    return trust;
  }
}

/** Device authentication was never activated on this host. */
export function inactive(): AirlockError {
  return new AirlockError(
    'unavailable',
    'device-auth-inactive',
    'cannot open sessions: device authentication is not activated here',
  );
}

function decode(text: string): Assertion {
  try {
    return decodeAssertion(text);
  } catch (cause) {
    if (cause instanceof AirlockError) throw cause;
    throw badRequest('cannot read the request: one of its assertions is malformed', cause);
  }
}

/**
 * Verifies a chain to a trusted root. A model is the same for a whole fleet, so it is remembered for a minute by the
 * digest of its bytes; a serial is not worth remembering.
 */
async function verify(trust: Trust, assertion: Assertion, now: Date, code: SessionErrorCode): Promise<void> {
  const digest = createHash('sha256').update(assertion.bytes).digest('base64url');
  if (trust.verified.has(digest)) return;
  try {
    await verifyChain(assertion, {
      source: trust.source,
      trusted: trust.trusted,
      now,
      // A device keeps its serial for life: the key that signed it may have run out since, but not been revoked.
      keysInForce: 'timestamp',
      sourceIsVerified: true,
    });
  } catch (cause) {
    if (cause instanceof AirlockError && (cause.kind === 'unavailable' || cause.kind === 'internal'))
      throw cause;
    throw new SessionError(
      code,
      `cannot open a session: the ${assertion.type} does not lead to a trusted root`,
      { cause },
    );
  }
  if (assertion.type === 'model') trust.verified.set(digest, true);
}

/** With the device's own model, which is verified: it says who besides the brand may sign serials, and few are stored here. */
function knowing(trust: Trust, model: Assertion): Trust {
  return { ...trust, source: combinedSource(sourceOf([model]), trust.source) };
}

/** Looks each assertion up once for as long as the catalog stays: keys and accounts are few, devices are many. */
function remembering(source: AssertionSource): AssertionSource {
  const found = new LRUCache<string, Assertion>({ max: 2000 });
  return {
    async find(type: AssertionTypeName, primaryKey: readonly string[]) {
      const key = [type, ...primaryKey].join('/');
      const known = found.get(key);
      if (known !== undefined) return known;
      const assertion = await source.find(type, primaryKey);
      if (assertion !== undefined) found.set(key, assertion);
      return assertion;
    },
  };
}
