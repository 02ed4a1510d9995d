import { describe, expect, onTestFinished, test } from 'vitest';
import { startServer } from '../../src/api/server.ts';
import { bindDischarge } from '../../src/publishers/index.ts';
import { parseLogin, StoreClient } from '../../src/upstream/index.ts';
import { fakeSso, STALE } from '../support/fake-sso.ts';

type Sso = Awaited<ReturnType<typeof fakeSso>>;
const { signal } = new AbortController();

/** A store that shows a snap to who comes with a discharge in force; and what it was shown. */
async function storeBehind(sso: Sso, stale: () => Response) {
  const shown: string[] = [];
  const server = await startServer({
    fetch: (request) => {
      const authorization = request.headers.get('authorization');
      shown.push(authorization ?? '');
      switch (sso.gate(authorization)) {
        case 'missing':
          return Response.json({ 'error-list': [{ code: 'x', message: 'who?' }] }, { status: 401 });
        case 'exhausted':
          return stale();
        default:
          return Response.json({ 'error-list': [{ code: 'not-found', message: 'no' }] }, { status: 404 });
      }
    },
    host: '127.0.0.1',
    port: 0,
  });
  onTestFinished(() => server.close());
  return { url: server.url, shown };
}

/** A client whose log-in was exported long ago. Nothing is found, once the store takes the log-in. */
function clientOf(url: string, sso: Sso, at = sso.url) {
  const kept: string[] = [];
  const keep = (content: string) => Promise.resolve(void kept.push(content));
  const login = parseLogin(sso.exhausted());
  const client = new StoreClient({ url, login, refresh: { sso: at, keep } });
  const ask = () =>
    client.assertion({ type: 'account', primaryKey: ['x'] }, signal).then(
      (found) => found ?? 'absent',
      (error: unknown) => error,
    );
  return { ask, kept };
}

describe('a log-in whose discharge is exhausted', () => {
  test.each(Object.entries(STALE))('is refreshed once and used again: by %s', async (_, stale) => {
    const sso = await fakeSso();
    const store = await storeBehind(sso, stale);
    const { ask, kept } = clientOf(store.url, sso);
    const before = parseLogin(sso.exhausted()).file.discharge;
    expect(before).toBeDefined();
    expect([await ask(), await ask()]).toEqual(['absent', 'absent']);
    const [fresh = ''] = sso.given;
    // The server gets the unbound one; the store never does.
    expect(sso.seen).toHaveLength(1);
    expect(store.shown).toHaveLength(3);
    expect(store.shown[0]).not.toContain(sso.seen[0]);
    const bound = `Macaroon root="${sso.root}", discharge="${bindDischarge(sso.root, fresh)}"`;
    expect(store.shown.slice(1)).toEqual([bound, bound]);
    expect(kept.map((content) => parseLogin(content).file)).toEqual([{ root: sso.root, discharge: fresh }]);
  });

  test('is refreshed once by requests that meet it together', async () => {
    const sso = await fakeSso();
    const store = await storeBehind(sso, STALE['the code of craft-store']);
    const { ask } = clientOf(store.url, sso);
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(['absent', 'absent', 'absent']);
    expect(sso.seen).toHaveLength(1);
  });

  test('is refused where the server does not refresh it: the account was closed, or its password changed', async () => {
    const sso = await fakeSso();
    const store = await storeBehind(sso, STALE['the code of craft-store']);
    sso.refuse(403);
    expect(await clientOf(store.url, sso).ask()).toMatchObject({
      code: 'login-refused',
      kind: 'unauthenticated',
      message: `cannot use the login file: its discharge is exhausted, and ${sso.url} does not refresh it; export it again`,
    });
  });

  test('is tried again later where the server does not answer, or not as one', async () => {
    const sso = await fakeSso();
    const store = await storeBehind(sso, STALE['the code of craft-store']);
    const away = 'http://127.0.0.1:9';
    expect(await clientOf(store.url, sso, away).ask()).toMatchObject({
      code: 'upstream-unreachable',
      message: expect.stringContaining('check proxy.sso.location and the network'),
    });
    sso.answer('no macaroon');
    expect(await clientOf(store.url, sso).ask()).toMatchObject({ code: 'upstream-answer-malformed' });
    sso.refuse(503);
    expect(await clientOf(store.url, sso).ask()).toMatchObject({ code: 'upstream-unreachable' });
  });

  test('is not refreshed a second time by a store that takes none', async () => {
    const sso = await fakeSso();
    const server = await startServer({
      fetch: STALE['the code of craft-store'],
      host: '127.0.0.1',
      port: 0,
    });
    onTestFinished(() => server.close());
    expect(await clientOf(server.url, sso).ask()).toMatchObject({ code: 'login-refused' });
    expect(sso.seen).toHaveLength(1);
  });

  test('sends its discharge nowhere for any other refusal', async () => {
    const sso = await fakeSso();
    const refusals = [
      () =>
        Response.json(
          { error_list: [{ code: 'macaroon-permission-required', message: '' }] },
          { status: 401 },
        ),
      () => Response.json({ error_list: [{ code: 'macaroon-needs-refresh', message: '' }] }, { status: 403 }),
      () => new Response('x'.repeat(200_000), { status: 401 }),
    ];
    for (const refusal of refusals) {
      const server = await startServer({ fetch: refusal, host: '127.0.0.1', port: 0 });
      onTestFinished(() => server.close());
      expect(await clientOf(server.url, sso).ask()).toMatchObject({
        code: expect.stringMatching(/^(login-refused|role-missing)$/),
      });
    }
    expect(sso.seen).toEqual([]);
  });
});
