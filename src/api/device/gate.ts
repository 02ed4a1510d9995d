import { ANONYMOUS, type Viewer } from '../../brands/index.ts';
import { checkBlocks } from '../../devices/blocks.ts';
import { AirlockError } from '../../errors.ts';
import type { Queries } from '../../storage/index.ts';
import { Catalog } from './catalog.ts';
import type { DeviceApiDeps, DeviceSecret, Site } from './deps.ts';
import { Freshness, type Generations } from './freshness.ts';
import { type DeviceContext, deviceHeader, originOf, StaleSession } from './http.ts';
import { type DeviceSession, SessionTokens } from './session-tokens.ts';

/** What is known for certain while one request is answered. */
export interface Visit {
  readonly viewer: Viewer;
  readonly session: DeviceSession | undefined;
  readonly catalog: Catalog;
  readonly now: Date;
  /** The address that links in the answer begin with, without a slash at the end. */
  readonly base: string;
  readonly site: Site;
  readonly secrets: readonly DeviceSecret[];
}

/** Whether a block is on a subject of a brand. */
export type Blocks = (brandId: string, kind: string, subject: string) => boolean;

/** What this process holds in memory, as of some generation of each. */
interface Held {
  readonly generations: Generations;
  readonly catalog: Catalog;
  readonly blocks: Blocks;
  readonly secrets: readonly DeviceSecret[];
  readonly tokens: SessionTokens;
  readonly site: Site;
  /** When it was put together, on the process's own monotonic clock, in milliseconds. */
  readonly heldSince: number;
}

/** How long the absence of a secret is believed, in milliseconds: activation makes one without a word to others. */
const INACTIVE_MS = 1000;

const AUTHORIZATION = /^Macaroon\s+root="([^"]+)"/i;

/**
 * Every request enters here: what is held in memory is compared with the database, the session is verified, and the
 * blocks in force are checked. Routes ask the visit, never the request, who is asking.
 */
export class Gate {
  readonly #deps: DeviceApiDeps;
  readonly #freshness: Freshness;
  #held: Held | undefined;
  #renewing: { readonly target: Generations; readonly held: Promise<Held> } | undefined;

  constructor(deps: DeviceApiDeps) {
    this.#deps = deps;
    this.#freshness = new Freshness(deps.database.queries);
  }

  /**
   * Lets a request in. No session makes an anonymous visit; one that does not hold throws `StaleSession`, whose answer
   * makes snapd open a new one.
   */
  async enter(c: DeviceContext): Promise<Visit> {
    const held = await this.held();
    const now = this.#deps.clock();
    const session = await this.#session(c, held, now);
    const viewer: Viewer =
      session === undefined
        ? ANONYMOUS
        : { kind: 'device', brandId: session.brandId, storeId: session.storeId };
    return this.#visit(c, held, now, viewer, session);
  }

  /** Lets a request in without looking at a session: for what is open to everybody, where snapd must never see a 401. */
  async enterAnonymous(c: DeviceContext): Promise<Visit> {
    const held = await this.held();
    return this.#visit(c, held, this.#deps.clock(), ANONYMOUS, undefined);
  }

  #visit(c: DeviceContext, held: Held, now: Date, viewer: Viewer, session: DeviceSession | undefined): Visit {
    const { catalog, site, secrets } = held;
    return {
      viewer,
      session,
      catalog,
      now,
      site,
      secrets,
      base: site.publicUrl ?? originOf(c, site.trustsForwardedProto),
    };
  }

  async #session(c: DeviceContext, held: Held, now: Date): Promise<DeviceSession | undefined> {
    const header = deviceHeader(c, 'snap-device-authorization', 'x-device-authorization');
    if (header === undefined || header === '') return undefined;
    const token = AUTHORIZATION.exec(header)?.[1];
    if (token === undefined) throw new StaleSession();
    const session = held.tokens.verified(token, now) ?? (await held.tokens.verify(token, now));
    if (session === undefined || isBlocked(session, held.blocks)) throw new StaleSession();
    return session;
  }

  /** What is in memory, made fresh first where the database has moved on. */
  async held(): Promise<Held> {
    const generations = await this.#freshness.now().catch((cause: unknown) => {
      throw new AirlockError(
        'unavailable',
        'database-unavailable',
        'cannot answer now: the database does not',
        { cause },
      );
    });
    if (this.#held !== undefined && isFresh(this.#held, generations)) return this.#held;
    if (this.#renewing === undefined || !same(this.#renewing.target, generations)) {
      const held = this.#renew(generations, this.#held);
      this.#renewing = { target: generations, held };
      const settle = (): void => {
        if (this.#renewing?.held === held) this.#renewing = undefined;
      };
      held.then(settle, settle);
    }
    return this.#renewing.held;
  }

  async #renew(generations: Generations, before: Held | undefined): Promise<Held> {
    const { database, deviceSecrets, site } = this.#deps;
    const kept = before?.generations;
    const sameSecrets =
      kept?.settings === generations.settings && kept.revocations === generations.revocations;
    const secrets =
      before !== undefined && sameSecrets && before.secrets.length > 0
        ? before.secrets
        : await deviceSecrets();
    const held: Held = {
      generations,
      catalog:
        before !== undefined && kept?.catalog === generations.catalog
          ? before.catalog
          : await Catalog.open(database.queries),
      blocks:
        before !== undefined && kept?.revocations === generations.revocations
          ? before.blocks
          : await loadBlocks(database.queries),
      secrets,
      tokens: before?.secrets === secrets ? before.tokens : new SessionTokens(secrets),
      // An import can make known which store this host is.
      site:
        before !== undefined && sameSecrets && kept?.catalog === generations.catalog
          ? before.site
          : await site(),
      heldSince: performance.now(),
    };
    this.#held = held;
    return held;
  }
}

/** Whether any block in force is on the session, its device, its device key or its model. */
export function isBlocked(session: DeviceSession, blocks: Blocks): boolean {
  if (blocks(session.brandId, 'session', session.id)) return true;
  try {
    checkBlocks(session, (kind, subject) => blocks(session.brandId, kind, subject));
    return false;
  } catch {
    return true;
  }
}

async function loadBlocks(queries: Queries): Promise<Blocks> {
  const rows = await queries.selectFrom('Block').select(['brandId', 'kind', 'subject']).execute();
  const keys = new Set(rows.map((row) => `${row.brandId} ${row.kind} ${row.subject}`));
  if (keys.size === 0) return () => false;
  return (brandId, kind, subject) => keys.has(`${brandId} ${kind} ${subject}`);
}

function isFresh(held: Held, generations: Generations): boolean {
  if (!same(held.generations, generations)) return false;
  return held.secrets.length > 0 || performance.now() - held.heldSince < INACTIVE_MS;
}

function same(a: Generations, b: Generations): boolean {
  return a.catalog === b.catalog && a.revocations === b.revocations && a.settings === b.settings;
}
