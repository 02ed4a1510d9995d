import { AirlockError } from '../../errors.ts';
import {
  formatCaveat,
  mintToken,
  tokenDigest,
  verifyToken,
  type Caveat,
  type Token,
  type TokenKey,
} from '../../publishers/index.ts';
import { appendAct } from '../audit-log.ts';
import type { Database, Queries } from '../database.ts';
import { raiseGeneration } from '../generations.ts';
import type { SettingStore } from '../setting-store.ts';

/** The setting that seals the authority's root key for macaroons. */
const TOKEN_SECRET_SETTING = 'authority.token-secret';
const TOKEN_KEY_ID = 'authority-1';

/** A credential to be issued. */
export interface NewToken {
  readonly accountId: string;
  /** `admin` for an export's token, `publisher` for all others. */
  readonly kind: 'admin' | 'publisher';
  readonly description: string;
  readonly expires: Date;
  readonly limits: readonly Caveat[];
  readonly storeId?: string;
  readonly brandId?: string;
  readonly actor: string;
}

/** An issued credential; the text is shown once and kept nowhere. */
export interface IssuedToken {
  readonly macaroon: string;
  readonly sessionId: string;
  /** Hex SHA3-384 of the text. */
  readonly digest: string;
}

/** Issues, verifies and revokes the authority's credentials. */
export class TokenOffice {
  readonly #database: Database;
  readonly #settings: SettingStore;
  readonly #random: (bytes: number) => Uint8Array;

  /** @param random cryptographically random bytes */
  constructor(deps: {
    readonly database: Database;
    readonly settings: SettingStore;
    readonly random: (bytes: number) => Uint8Array;
  }) {
    this.#database = deps.database;
    this.#settings = deps.settings;
    this.#random = deps.random;
  }

  /** Makes a credential and notes its session, so that it can be listed and revoked. */
  async issue(request: NewToken, location: string, at: Date): Promise<IssuedToken> {
    const sessionId = Buffer.from(this.#random(16)).toString('hex');
    const { accountId, expires, limits } = request;
    const key = await this.#key(at);
    const macaroon = mintToken({ accountId, sessionId, validSince: at, expires, limits }, key, location);
    const digest = tokenDigest(macaroon);
    await this.#database.transaction(async (queries) => {
      await queries
        .insertInto('Token')
        .values({
          sessionId,
          kind: request.kind,
          accountId,
          digest,
          storeId: request.storeId ?? null,
          brandId: request.brandId ?? null,
          description: request.description,
          caveats: limits.map(formatCaveat),
          issuedAt: at.toISOString(),
          expiresAt: expires.toISOString(),
        })
        .execute();
      const details = { accountId, purpose: request.kind, expires: expires.toISOString() };
      await appendAct(queries, { at, actor: request.actor, act: 'token.issue', subject: sessionId, details });
    });
    return { macaroon, sessionId, digest };
  }

  /**
   * Verifies a credential: ours, in force, and its session not revoked. Asked on each use, so that a revocation holds
   * from the next request on.
   *
   * @throws PublisherError; AirlockError `token-revoked`
   */
  async verify(macaroon: string, at: Date): Promise<Token> {
    const token = verifyToken(macaroon, [await this.#key(at)], at);
    const row = await this.#database.queries
      .selectFrom('Token')
      .select(['revokedAt', 'accountId', 'lastUsedAt'])
      .where('sessionId', '=', token.sessionId)
      .executeTakeFirst();
    if (!row || row.accountId !== token.accountId || row.revokedAt !== null) {
      throw new AirlockError(
        'unauthenticated',
        'token-revoked',
        'cannot accept the credential: it was revoked',
      );
    }
    await this.#noteUse(token.sessionId, row.lastUsedAt, at);
    return token;
  }

  /** The sessions of an account, newest first. */
  async sessionsOf(accountId: string) {
    return this.#database.queries
      .selectFrom('Token')
      .selectAll()
      .where('accountId', '=', accountId)
      .orderBy('issuedAt', 'desc')
      .execute();
  }

  /**
   * Revokes a session; with an account, only if it is that account's. One that is revoked already stays as it is.
   *
   * @throws AirlockError `session-unknown` also for another account's
   */
  async revoke(
    session: { readonly sessionId: string; readonly accountId?: string; readonly actor: string },
    at: Date,
  ): Promise<void> {
    const { sessionId, accountId, actor } = session;
    await this.#database.transaction(async (queries) => {
      const row = await queries
        .selectFrom('Token')
        .selectAll()
        .where('sessionId', '=', sessionId)
        .executeTakeFirst();
      if (!row || (accountId !== undefined && row.accountId !== accountId)) throw unknownSession(sessionId);
      if (row.revokedAt !== null) return;
      await revokeRow(queries, sessionId, actor, at);
    });
  }

  async #key(at: Date): Promise<TokenKey> {
    const make = () => Buffer.from(this.#random(32)).toString('base64url');
    const secret = await this.#settings.secretOnce(TOKEN_SECRET_SETTING, make, at);
    return { id: TOKEN_KEY_ID, secret: Buffer.from(secret, 'base64url') };
  }

  /** To the hour: the day of the last use matters, and not each use is worth a write. */
  async #noteUse(sessionId: string, lastUsedAt: string | null, at: Date): Promise<void> {
    if (lastUsedAt !== null && at.getTime() - Date.parse(lastUsedAt) < 3_600_000) return;
    await this.#database.queries
      .updateTable('Token')
      .set({ lastUsedAt: at.toISOString() })
      .where('sessionId', '=', sessionId)
      .execute();
  }
}

async function revokeRow(queries: Queries, sessionId: string, actor: string, at: Date): Promise<void> {
  await queries
    .updateTable('Token')
    .set({ revokedAt: at.toISOString(), revokedBy: actor })
    .where('sessionId', '=', sessionId)
    .execute();
  await appendAct(queries, { at, actor, act: 'token.revoke', subject: sessionId });
  await raiseGeneration(queries, 'revocations');
}

function unknownSession(sessionId: string): AirlockError {
  const sentence = `cannot revoke the session "${sessionId.slice(0, 64)}": there is none of that id`;
  return new AirlockError('not-found', 'session-unknown', sentence);
}
