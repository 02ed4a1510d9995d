/** A single-sign-on server as login.ubuntu.com is seen from outside, and the gate of a store that trusts its discharges. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { startServer } from '../../src/api/server.ts';
import {
  addThirdPartyCaveat,
  decodeMacaroon,
  encodeMacaroon,
  mintMacaroon,
  readDischarge,
  verifyDischarged,
} from '../../src/publishers/index.ts';
import { chainFrom, derivedKey } from '../../src/publishers/macaroons.ts';

const LOCATION = 'sso.example';
const CAVEAT = 'for sso';
const HOUR_MS = 3_600_000;
const AUTHORIZATION = /^Macaroon root="([^"]+)", discharge="([^"]+)"$/;
const requestSchema = z.strictObject({ discharge_macaroon: z.string() });

/** Starts one; it ends with the test. */
export async function fakeSso() {
  const key = new Uint8Array(randomBytes(32));
  const rootKey = new Uint8Array(randomBytes(32));
  const seen: string[] = [];
  const given: string[] = [];
  let refuses: 401 | 403 | 503 | undefined;
  let answers: string | undefined;

  const discharge = (expires: Date) => {
    const account = Buffer.from(JSON.stringify({ email: 'ada@example.com', is_verified: true }));
    const caveats = [`account|${account.toString('base64')}`, `expires|${expires.toISOString()}`].map(
      (one) => ({
        id: new TextEncoder().encode(`${LOCATION}|${one}`),
      }),
    );
    const signature = chainFrom(derivedKey(key), CAVEAT, caveats);
    return encodeMacaroon({ location: LOCATION, identifier: CAVEAT, caveats, signature });
  };
  const isOurs = (text: string) => {
    const { identifier, caveats, signature } = decodeMacaroon(text);
    return timingSafeEqual(chainFrom(derivedKey(key), identifier, caveats), signature);
  };
  const root = addThirdPartyCaveat(
    mintMacaroon({ rootKey, identifier: 'id', location: 'store.example', caveats: [] }),
    { location: LOCATION, identifier: CAVEAT, key },
    randomBytes(12),
  );

  const app = new Hono();
  app.post('/api/v2/tokens/refresh', async (context) => {
    const { discharge_macaroon: text } = requestSchema.parse(await context.req.json());
    seen.push(text);
    if (refuses !== undefined) return context.json({ code: 'INVALID_CREDENTIALS', message: 'no' }, refuses);
    if (!isOurs(text)) return context.json({ code: 'INVALID_DATA', message: 'not unbound' }, 400);
    const fresh = discharge(new Date(Date.now() + HOUR_MS));
    given.push(fresh);
    return context.json({ discharge_macaroon: answers ?? fresh });
  });
  const server = await startServer({ fetch: (request) => app.fetch(request), host: '127.0.0.1', port: 0 });
  onTestFinished(() => server.close());
  return {
    url: server.url,
    root,
    /** Discharges that were handed in, and out. */
    seen,
    given,
    discharge,
    /** The log-in file of somebody whose discharge ran out. */
    exhausted: () => {
      const pair = { r: root, d: discharge(new Date(Date.now() - HOUR_MS)) };
      return Buffer.from(JSON.stringify({ t: 'u1-macaroon', v: pair })).toString('base64');
    },
    refuse: (status: 401 | 403 | 503) => void (refuses = status),
    /** Gives this in place of a discharge. */
    answer: (text: string) => void (answers = text),
    /** What a store says to an `Authorization` header: undefined when it holds. */
    gate(authorization: string | null): 'missing' | 'exhausted' | undefined {
      const [, one = '', other = ''] = AUTHORIZATION.exec(authorization ?? '') ?? [];
      if (one === '') return 'missing';
      const { dischargeCaveats } = verifyDischarged(one, other, rootKey);
      try {
        readDischarge(dischargeCaveats, LOCATION, new Date());
        return undefined;
      } catch {
        return 'exhausted';
      }
    },
  };
}

/** The answers of a store to who comes with an exhausted discharge, as clients know them. */
export const STALE = {
  'the code of craft-store': () =>
    Response.json(
      { error_list: [{ code: 'macaroon-needs-refresh', message: 'Expired macaroon' }] },
      { status: 401, headers: { 'www-authenticate': 'Macaroon' } },
    ),
  'the code of the gateway': () =>
    Response.json({ 'error-list': [{ code: 'macaroon-needs-refresh', message: 'no' }] }, { status: 401 }),
  'the header of snapd': () =>
    new Response('', { status: 401, headers: { 'www-authenticate': 'Macaroon needs_refresh=1' } }),
} as const;
