import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Client } from './client.ts';
import { makeWorld, type World } from './world.ts';

let world: World;
let acme: Client;

const found = z.object({
  results: z.array(
    z.looseObject({
      name: z.string(),
      revision: z.looseObject({ channel: z.string() }),
      snap: z.looseObject({}),
    }),
  ),
  'error-list': z.array(z.unknown()),
});

beforeAll(async () => {
  world = await makeWorld();
  await world.addSnap({ name: 'hello', storeId: 'ubuntu' });
  await world.addSnap({
    name: 'agent',
    storeId: 'acme-store',
    private: true,
    yaml: ['apps: {agent: {command: x, common-id: com.acme.agent, aliases: [ag]}}'],
    releases: [
      { channel: 'latest/stable', revision: 1 },
      { channel: 'latest/edge', revision: 2, architecture: 'amd64' },
      { channel: 'latest/edge', revision: 1, architecture: 'arm64' },
      { channel: '2.0/beta', revision: 2 },
      { channel: '2.0/candidate', revision: null },
    ],
  });
  await world.addSnap({ name: 'agent-tools', storeId: 'acme-store', yaml: ['confinement: classic'] });
  await world.addSnap({
    name: 'edge-only',
    storeId: 'acme-store',
    releases: [{ channel: 'latest/edge', revision: 1 }],
  });
  await world.addSnap({ name: 'never-released', storeId: 'acme-store', releases: [] });
  acme = new Client(world, await world.session(world.acme));
});

afterAll(() => world.close());

async function find(query: string): Promise<string[]> {
  const reply = await acme.ask(`/v2/snaps/find?${query}`);
  expect(reply.status).toBe(200);
  expect(reply.headers.get('content-type')).toBe('application/json');
  return found.parse(await reply.json()).results.map((each) => each.name);
}

describe('info', () => {
  it('has the channel map with the safest risk of the first track first', async () => {
    const reply = await acme.ask(
      '/v2/snaps/info/agent?architecture=amd64&fields=channel-map,publisher,version',
      undefined,
      { accept: '' },
    );
    expect(reply.headers.get('content-type')).toBe('application/json');
    const body = (await reply.json()) as {
      'channel-map': { channel: Record<string, string>; revision: number }[];
    };
    expect(body).toMatchObject({ name: 'agent', 'default-track': null, snap: { publisher: { id: 'acme' } } });
    expect(
      body['channel-map'].map(({ channel, revision }) => [
        channel['name'],
        channel['track'],
        channel['risk'],
        revision,
      ]),
    ).toEqual([
      ['stable', 'latest', 'stable', 1],
      ['edge', 'latest', 'edge', 2],
      ['2.0/beta', '2.0', 'beta', 2],
    ]);
    for (const { channel } of body['channel-map'])
      expect(channel['released-at']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('lists every architecture when none is named', async () => {
    const body = (await (await acme.ask('/v2/snaps/info/agent')).json()) as {
      'channel-map': { channel: { name: string; architecture: string } }[];
    };
    expect(body['channel-map'].map(({ channel }) => `${channel.name} ${channel.architecture}`)).toEqual([
      'stable all',
      'edge amd64',
      'edge arm64',
      '2.0/beta all',
    ]);
  });

  it.each(['no-such-snap', 'never-released', '%zz', '..%2f', 'x'.repeat(3000)])(
    'of nothing is 404: %s',
    async (name) => {
      const reply = await acme.ask(`/v2/snaps/info/${name}`);
      expect(reply.status).toBe(404);
      expect(await reply.json()).toMatchObject({ 'error-list': [{ code: 'resource-not-found' }] });
    },
  );
});

describe('find', () => {
  it('finds by words, best first', async () => {
    expect(await find('q=agent&channel=stable')).toEqual(['agent', 'agent-tools']);
    expect(await find('q=AGENT%20summary&channel=stable')).toEqual(['agent', 'agent-tools']);
    expect(await find('q=nothing-like-that')).toEqual([]);
  });

  it('finds by prefix, category, common id and confinement', async () => {
    expect(await find('name=agent-&channel=stable')).toEqual(['agent-tools']);
    expect(await find('category=utilities&channel=stable')).toEqual(['agent', 'agent-tools']);
    expect(await find('category=games')).toEqual([]);
    expect(await find('common-id=com.acme.agent')).toEqual(['agent']);
    expect(await find('q=agent&confinement=strict')).toEqual(['agent']);
    expect(await find('private=true')).toEqual(['agent']);
  });

  it('looks beyond stable only in a wide search', async () => {
    expect(await find('q=edge-only&channel=stable')).toEqual([]);
    expect(await find('q=edge-only')).toEqual(['edge-only']);
  });

  it('refuses a channel that is none', async () => {
    expect((await acme.ask('/v2/snaps/find?channel=a/b/c/d')).status).toBe(400);
  });

  it('tells of the released revision and of the snap apart', async () => {
    const reply = await acme.ask('/v2/snaps/find?q=agent&fields=version,publisher,title,type');
    const [first] = found.parse(await reply.json()).results;
    expect(first).toMatchObject({
      revision: { channel: 'latest/stable', revision: 1, version: '1.1', type: 'app' },
      snap: { title: 'agent' },
    });
    expect(first?.snap).not.toHaveProperty('version');
  });
});

describe('the daily lists', () => {
  it('begin with exactly the keys that snapd’s reader expects', async () => {
    const reply = await acme.ask('/api/v1/snaps/names?confinement=strict', undefined, {
      accept: 'application/hal+json',
    });
    expect(reply.headers.get('content-type')).toBe('application/hal+json');
    const text = await reply.text();
    expect(text.startsWith('{"_embedded":{"clickindex:package":[{')).toBe(true);
    expect(JSON.parse(text)).toHaveProperty(
      ['_embedded', 'clickindex:package'],
      [
        {
          package_name: 'agent',
          version: '1.1',
          summary: 'summary of agent',
          aliases: [{ name: 'ag', target: 'agent' }],
          apps: ['agent'],
        },
      ],
    );
  });

  it('have sections and categories', async () => {
    const sections = await acme.ask('/api/v1/snaps/sections');
    expect(sections.headers.get('content-type')).toBe('application/hal+json');
    expect(await sections.json()).toEqual({
      _embedded: { 'clickindex:sections': [{ name: 'featured' }, { name: 'utilities' }] },
    });
    const categories = await acme.ask('/v2/snaps/categories');
    expect(categories.headers.get('content-type')).toBe('application/json');
    expect(await categories.json()).toEqual({ categories: [{ name: 'featured' }, { name: 'utilities' }] });
  });
});

describe('the store itself', () => {
  it('says its version on every answer, HEAD too', async () => {
    const head = await fetch(`${world.url}/`, { method: 'HEAD' });
    expect([head.status, head.headers.get('snap-store-version')]).toEqual([200, '60']);
    for (const path of ['/', '/nowhere', '/v2/snaps/info/x', '/api/v1/snaps/sections', '/v2/openapi.json']) {
      expect((await acme.ask(path)).headers.get('snap-store-version')).toBe('60');
    }
  });

  it('tells a wrong method from a wrong address', async () => {
    const wrong = await acme.ask('/v2/snaps/info/agent', {});
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await acme.ask('/v2/snaps/refresh')).headers.get('allow')).toBe('POST');
    expect((await acme.ask('/v2/snaps', {})).status).toBe(404);
  });

  it('notices a change of the catalog at the next request', async () => {
    expect((await acme.ask('/v2/snaps/info/brand-new')).status).toBe(404);
    await world.addSnap({ name: 'brand-new', storeId: 'acme-store' });
    expect((await acme.ask('/v2/snaps/info/brand-new')).status).toBe(200);
    await world.change((queries) => queries.deleteFrom('Snap').where('name', '=', 'brand-new').execute());
    expect((await acme.ask('/v2/snaps/info/brand-new')).status).toBe(404);
  });

  it('made no mistake of its own', () => {
    expect(world.mistakes).toEqual([]);
  });
});
