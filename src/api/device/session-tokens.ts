import { createHash, createHmac } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { DeviceSecret } from './deps.ts';

/** A device session: who proved to be which device, and which store it looks at. */
export interface DeviceSession {
  readonly id: string;
  readonly brandId: string;
  readonly model: string;
  readonly serial: string;
  readonly deviceKeyId: string;
  readonly storeId: string;
  /** From then on a refresh reply asks the device to renew its session. */
  readonly softEnd: Date;
  /** From then on it is refused. */
  readonly end: Date;
}

const ISSUER = 'airlock';
const TYPE = 'device-session+jwt';
const TOKEN_MAX = 4096;
const CACHED = 20_000;

const claims = z.object({
  jti: z.string(),
  brd: z.string(),
  mdl: z.string(),
  ser: z.string(),
  key: z.string(),
  sto: z.string(),
  sft: z.int(),
  exp: z.int(),
});

/** One purpose's key: the device-auth secret itself is never used for two things. */
export function purposeKey(secret: Uint8Array, purpose: 'session' | 'nonce' | 'cohort' | 'icon'): Uint8Array {
  return createHmac('sha256', secret).update(`airlock device ${purpose}\0`).digest();
}

/**
 * Signs sessions with the present device-auth secret and verifies those of any secret that is accepted (DESIGN 7).
 * Verified tokens are remembered: a fleet sends the same ones again and again.
 */
export class SessionTokens {
  readonly #keys: readonly {
    readonly kid: string;
    readonly key: Uint8Array;
    readonly until: Date | undefined;
  }[];
  readonly #verified = new LRUCache<string, DeviceSession & { readonly keyUntil: Date | undefined }>({
    max: CACHED,
  });

  constructor(secrets: readonly DeviceSecret[]) {
    this.#keys = secrets.map(({ secret, until }) => ({
      kid: createHash('sha256').update(purposeKey(secret, 'session')).digest('hex').slice(0, 16),
      key: purposeKey(secret, 'session'),
      until,
    }));
  }

  /** The text that a device keeps and sends; snapd never looks into it. */
  async issue(session: DeviceSession, now: Date): Promise<string> {
    const [present] = this.#keys;
    if (present === undefined) throw new TypeError('internal error: a session without a secret');
    return new SignJWT({
      brd: session.brandId,
      mdl: session.model,
      ser: session.serial,
      key: session.deviceKeyId,
      sto: session.storeId,
      sft: seconds(session.softEnd),
    })
      .setProtectedHeader({ alg: 'HS256', typ: TYPE, kid: present.kid })
      .setIssuer(ISSUER)
      .setJti(session.id)
      .setIssuedAt(seconds(now))
      .setExpirationTime(seconds(session.end))
      .sign(present.key);
  }

  /** The session of a token, or undefined when it is forged, foreign, over, or of a secret that is no longer accepted. */
  async verify(token: string, now: Date): Promise<DeviceSession | undefined> {
    const known = this.#verified.get(token) ?? (await this.#verify(token, now));
    if (known === undefined || known.end <= now) return undefined;
    return known.keyUntil !== undefined && known.keyUntil <= now ? undefined : known;
  }

  /** As `verify`, for a token that was verified before: needs no waiting. */
  verified(token: string, now: Date): DeviceSession | undefined {
    const known = this.#verified.get(token);
    if (known === undefined || known.end <= now) return undefined;
    return known.keyUntil !== undefined && known.keyUntil <= now ? undefined : known;
  }

  async #verify(token: string, now: Date) {
    if (token.length > TOKEN_MAX) return undefined;
    for (const { kid, key, until } of this.#keys) {
      const result = await jwtVerify(token, key, {
        algorithms: ['HS256'],
        typ: TYPE,
        issuer: ISSUER,
        currentDate: now,
      }).catch(() => undefined);
      if (result === undefined || result.protectedHeader.kid !== kid) continue;
      const parsed = claims.safeParse(result.payload);
      if (!parsed.success) continue;
      const { data } = parsed;
      const session = {
        id: data.jti,
        brandId: data.brd,
        model: data.mdl,
        serial: data.ser,
        deviceKeyId: data.key,
        storeId: data.sto,
        softEnd: new Date(data.sft * 1000),
        end: new Date(data.exp * 1000),
        keyUntil: until,
      };
      this.#verified.set(token, session);
      return session;
    }
    return undefined;
  }
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
