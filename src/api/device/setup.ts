import type { Hono } from 'hono';
import { type Assertion, decodeAssertion, encodeStream } from '../../assertions/index.ts';
import { findAssertion, type Queries } from '../../storage/index.ts';
import type { DeviceApiDeps } from './deps.ts';
import type { Gate, Visit } from './gate.ts';
import { answer, ASSERTION_TYPE, type DeviceEnv, JSON_TYPE, notFound } from './http.ts';
import { cloudInit, type SetupFacts, setupScript } from './setup-texts.ts';

/**
 * Client set-up (protocol/devices.md section 5, issue 4 part 7): the store's own assertions for `snap ack`, and one
 * address that gives everything else. All of it is public: it names this host and nothing of what it holds.
 */
export function setupRoutes(app: Hono<DeviceEnv>, deps: DeviceApiDeps, gate: Gate): void {
  const { queries } = deps.database;

  app.get('/v2/auth/store/assertions', async (c) => {
    const visit = await gate.enterAnonymous(c);
    const stream = await ownStoreStream(queries, visit);
    if (stream === undefined) throw notFound('a store assertion of this host: none was pushed');
    return answer(200, ASSERTION_TYPE, Uint8Array.from(stream));
  });

  app.get('/v2/setup', async (c) => {
    const visit = await gate.enterAnonymous(c);
    const facts = await factsOf(queries, visit);
    const body = {
      'store-url': facts.url,
      'store-id': facts.storeId ?? null,
      'ca-certificate': facts.caCertificate ?? null,
      script: setupScript(facts),
      'cloud-init': cloudInit(facts),
    };
    return answer(200, JSON_TYPE, JSON.stringify(body));
  });

  app.get('/v2/setup/script', async (c) => {
    const visit = await gate.enterAnonymous(c);
    return answer(200, 'text/x-shellscript', setupScript(await factsOf(queries, visit)));
  });

  app.get('/v2/setup/cloud-init', async (c) => {
    const visit = await gate.enterAnonymous(c);
    return answer(200, 'text/cloud-config', cloudInit(await factsOf(queries, visit)));
  });

  app.get('/v2/setup/ca.crt', async (c) => {
    const { site } = await gate.enterAnonymous(c);
    if (site.caCertificate === undefined) throw notFound('a CA certificate: devices need none here');
    return answer(200, 'application/x-pem-file', site.caCertificate);
  });
}

async function factsOf(queries: Queries, visit: Visit): Promise<SetupFacts> {
  const { site, base } = visit;
  const hasAssertion = (await ownStoreStream(queries, visit)) !== undefined;
  return { url: base, storeId: hasAssertion ? site.storeId : undefined, caCertificate: site.caCertificate };
}

/** The store assertion of this host, after the accounts and keys that it stands on. */
async function ownStoreStream(queries: Queries, { site }: Visit): Promise<Uint8Array | undefined> {
  const kept = site.storeId === undefined ? undefined : await findAssertion(queries, 'store', [site.storeId]);
  if (kept === undefined) return undefined;
  const store = decodeAssertion(kept.bytes);
  const operator = store.headers['operator-id'];
  const chain = new Map<string, Assertion | undefined>();
  await collect(queries, 'account', typeof operator === 'string' ? operator : '', chain);
  await collect(queries, 'account-key', store.signKeyId, chain);
  return encodeStream([...chain.values(), store].filter((each) => each !== undefined));
}

/** Adds an account or key, then what it stands on, up to the root: snapd sorts what it is given. */
async function collect(
  queries: Queries,
  type: 'account' | 'account-key',
  id: string,
  into: Map<string, Assertion | undefined>,
): Promise<void> {
  const name = `${type}/${id}`;
  if (into.has(name)) return;
  const kept = await findAssertion(queries, type, [id]);
  const assertion = kept && decodeAssertion(kept.bytes);
  into.set(name, assertion);
  if (assertion === undefined) return;
  await collect(queries, 'account-key', assertion.signKeyId, into);
  const account = assertion.headers['account-id'];
  if (typeof account === 'string') await collect(queries, 'account', account, into);
}
