/** What a store claims about snaps names files here: it is taken for what was asked, or not at all. */
import { onTestFinished, expect, test } from 'vitest';
import { startServer } from '../../src/api/server.ts';
import { parseLogin, StoreClient } from '../../src/upstream/index.ts';
import { fakeSso } from '../support/fake-sso.ts';

const { signal } = new AbortController();
const WISH = { name: 'my-snap', channel: 'latest/stable', architecture: 'amd64' };

const snap = (over: object = {}) => ({
  'snap-id': 'a'.repeat(32),
  name: 'my-snap',
  revision: 1,
  publisher: { id: 'my-brand' },
  download: { 'sha3-384': '0'.repeat(96), size: 1, url: '/file' },
  ...over,
});

/** A store that gives one answer to all questions. */
async function answering(answer: unknown): Promise<string> {
  const server = await startServer({ fetch: () => Response.json(answer), host: '127.0.0.1', port: 0 });
  onTestFinished(() => server.close(0));
  return server.url;
}

const component = {
  type: 'test',
  revision: 1,
  'created-at': '2026-01-01T00:00:00Z',
  download: snap().download,
};

const LIES: readonly [string, object, RegExp][] = [
  [
    'another snap',
    { name: 'other-snap' },
    /^cannot use the answer of .* about my-snap: it is about other-snap$/,
  ],
  ['a file elsewhere', { name: '../../elsewhere' }, /^cannot read the answer of .* about my-snap$/],
  ['no name', { name: '' }, /^cannot read the answer of .* about my-snap$/],
  [
    'a component elsewhere',
    { resources: [{ ...component, name: '../part' }] },
    /^cannot read the answer of .* about my-snap$/,
  ],
];

test.each(LIES)('an answer about %s is refused, from the public store', async (_, lie, sentence) => {
  const client = new StoreClient({
    url: await answering({ results: [{ result: 'download', snap: snap(lie) }] }),
  });
  await expect(client.resolve(WISH, signal)).rejects.toMatchObject({
    code: 'upstream-answer-malformed',
    message: expect.stringMatching(sentence),
  });
});

test.each(LIES)('an answer about %s is refused, from an authority', async (_, lie, sentence) => {
  const login = parseLogin((await fakeSso()).exhausted());
  const client = new StoreClient({ url: await answering(snap(lie)), login, store: 'my-store' });
  await expect(client.resolve(WISH, signal)).rejects.toMatchObject({
    code: 'upstream-answer-malformed',
    message: expect.stringMatching(sentence),
  });
});

test('an answer about what was asked is taken, from both', async () => {
  const store = new StoreClient({
    url: await answering({ results: [{ result: 'download', snap: snap() }] }),
  });
  await expect(store.resolve(WISH, signal)).resolves.toMatchObject({ name: 'my-snap', revision: 1 });
  const login = parseLogin((await fakeSso()).exhausted());
  const authority = new StoreClient({ url: await answering(snap()), login, store: 'my-store' });
  await expect(authority.resolve(WISH, signal)).resolves.toMatchObject({ name: 'my-snap', revision: 1 });
});

test.each([
  ['name-not-found', 'a private snap needs --auth and --store'],
  ['revision-not-found', 'check channel and architecture'],
])('a refusal says what may help: %s', async (code, hint) => {
  const error = { code, message: 'Not there' };
  const client = new StoreClient({ url: await answering({ results: [{ result: 'error', error }] }) });
  await expect(client.resolve(WISH, signal)).rejects.toMatchObject({
    code: 'snap-not-upstream',
    message: `cannot fetch my-snap (latest/stable amd64): Not there; ${hint}`,
  });
});

test.each(['../elsewhere', 'A', ''])('a list with the snap %j is refused', async (name) => {
  const login = parseLogin((await fakeSso()).exhausted());
  const client = new StoreClient({ url: await answering({ snaps: [{ name }] }), login, store: 'my-store' });
  await expect(client.snapNames('my-store', signal)).rejects.toMatchObject({
    code: 'upstream-answer-malformed',
  });
});
