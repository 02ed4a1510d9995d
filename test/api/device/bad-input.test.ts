import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Client } from './client.ts';
import { makeWorld, snapIdOf, type World } from './world.ts';

let world: World;
let acme: Client;

beforeAll(async () => {
  world = await makeWorld();
  await world.addSnap({ name: 'agent', storeId: 'acme-store', private: true });
  acme = new Client(world, await world.session(world.acme));
});

afterAll(() => world.close());

const document = z.object({
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        parameters: z.array(z.object({ name: z.string(), in: z.string() })),
        responses: z.record(z.string(), z.unknown()),
      }),
    ),
  ),
});

const post = ['/v2/snaps/refresh', '/v2/cohorts', '/api/v1/snaps/auth/sessions'] as const;

const BROKEN: Readonly<Record<string, string>> = {
  nothing: '',
  'a cut object': '{"actions":',
  null: 'null',
  'a list': '[]',
  'a number': '7',
  'a text': '"x"',
  'an empty object': '{}',
  'a NUL': '\u0000',
  'forty thousand brackets': '['.repeat(40_000),
};

describe('a wrong request', () => {
  it.each(post.flatMap((path) => Object.keys(BROKEN).map((kind) => [path, kind] as const)))(
    'to %s gets the right 4xx: %s',
    async (path, kind) => {
      const reply = await acme.ask(path, BROKEN[kind]);
      expect(reply.status).toBe(400);
      expect(reply.headers.get('content-type')).toBe('application/json');
      expect(await reply.json()).toEqual({
        'error-list': [{ code: 'bad-request', message: expect.stringMatching(/^cannot /) }],
      });
    },
  );

  it.each(post)('to %s that is too long is refused before it is read', async (path) => {
    const reply = await acme.ask(path, 'x'.repeat(5 * 1024 * 1024));
    expect(reply.status).toBe(413);
  });

  it('that is too long and does not say so is cut off', async () => {
    const chunk = new TextEncoder().encode('x'.repeat(64 * 1024));
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        if (sent++ > 200) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const status = await fetch(`${world.url}/v2/snaps/refresh`, {
      method: 'POST',
      body,
      duplex: 'half',
    }).then(
      (reply) => reply.status,
      () => 413,
    );
    expect(status).toBe(413);
  });

  it.each([
    { actions: Array.from({ length: 1001 }, () => ({ action: 'install', 'instance-key': 'i', name: 'x' })) },
    {
      actions: [
        {
          action: 'fetch-assertions',
          key: 'k',
          assertions: Array.from({ length: 4001 }, () => ({ type: 'account' })),
        },
      ],
    },
    { actions: [{ action: 'erase', 'instance-key': 'i' }] },
    { actions: [{ action: 'install', 'instance-key': 'i', name: 'x', revision: -1 }] },
    { actions: [{ action: 'install', 'instance-key': 'i', name: 'x', revision: 1e30 }] },
    { actions: [{ action: 'install', 'instance-key': 'i', name: 'x'.repeat(600) }] },
    { actions: [], context: Array.from({ length: 2001 }, () => ({ 'snap-id': 'x', 'instance-key': 'x' })) },
    { actions: [], 'assertion-max-formats': { 'snap-declaration': -1 } },
  ])('of too many or impossible things is refused: %#', async (body) => {
    expect((await acme.ask('/v2/snaps/refresh', body)).status).toBe(400);
  });

  it.each([
    'Macaroon',
    'Macaroon root=""',
    'Bearer x',
    'Macaroon root="a b"',
    `Macaroon root="${'x'.repeat(5000)}"`,
    'Macaroon root="e30.e30.e30"',
    '"',
  ])('with an authorization that is none asks for a new session: %s', async (value) => {
    const reply = await new Client(world).ask('/v2/snaps/info/agent', undefined, {
      'snap-device-authorization': value,
    });
    expect(reply.status).toBe(401);
    expect(reply.headers.get('www-authenticate')).toContain('refresh_device_session=1');
  });

  it('with a Host that is no host is refused', async () => {
    const answer = await raw('GET /v2/snaps/info/agent HTTP/1.1\r\nHost: a"b\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw('GET / HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('with too large a head is refused', async () => {
    expect(
      await raw(`GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(64 * 1024)}\r\nConnection: close\r\n\r\n`),
    ).toMatch(/^HTTP\/1\.1 431 /);
  });
});

function raw(request: string): Promise<string> {
  const { hostname, port } = new URL(world.url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => (text += part));
    socket.on('close', () => resolve(text));
    socket.on('error', () => undefined);
    socket.write(request);
  });
}

describe('any request that fits the document', () => {
  const odd = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'agent',
      snapIdOf('agent'),
      '../..',
      '%00',
      'stable',
      '',
      '0',
      '-1',
      '16',
      'constructor',
      '__proto__',
      '😀',
      'a'.repeat(300),
    ),
  );
  const value = fc.oneof(odd, fc.integer(), fc.constant(null), fc.boolean(), fc.array(odd, { maxLength: 3 }));
  const action = fc.oneof(
    fc.dictionary(
      fc.constantFrom(
        'action',
        'instance-key',
        'name',
        'snap-id',
        'channel',
        'revision',
        'epoch',
        'cohort-key',
        'validation-sets',
      ),
      value,
    ),
    fc.record(
      {
        action: fc.constantFrom('install', 'refresh', 'download'),
        'instance-key': odd,
        name: odd,
        'snap-id': odd,
        channel: odd,
        revision: fc.integer(),
        epoch: fc.oneof(value, fc.record({ read: fc.array(fc.integer()), write: fc.array(fc.integer()) })),
        'cohort-key': odd,
        'validation-sets': fc.array(fc.array(odd, { maxLength: 4 }), { maxLength: 2 }),
      },
      { requiredKeys: ['action', 'instance-key'] },
    ),
    fc.record({
      action: fc.constant('fetch-assertions'),
      key: odd,
      assertions: fc.array(
        fc.record(
          {
            type: fc.oneof(odd, fc.constantFrom('account', 'snap-declaration', 'validation-set')),
            'primary-key': fc.array(odd),
            'sequence-key': fc.array(odd),
            sequence: fc.integer(),
            'if-newer-than': fc.integer(),
          },
          { requiredKeys: ['type'] },
        ),
        { maxLength: 3 },
      ),
    }),
  );

  it('to refresh is answered by 200 or a 4xx', async () => {
    const body = fc.record({
      actions: fc.array(action, { maxLength: 4 }),
      context: fc.option(
        fc.array(
          fc.dictionary(
            fc.constantFrom('snap-id', 'instance-key', 'revision', 'tracking-channel', 'epoch'),
            value,
          ),
          { maxLength: 2 },
        ),
      ),
      fields: fc.option(fc.array(odd)),
      'assertion-max-formats': fc.option(fc.dictionary(odd, fc.integer())),
    });
    await fc.assert(
      fc.asyncProperty(body, async (each) => {
        const reply = await acme.ask('/v2/snaps/refresh', each);
        await reply.arrayBuffer();
        expect([200, 400, 413]).toContain(reply.status);
      }),
      { numRuns: 400 },
    );
  });

  it('to any route is answered by a status that the document names', async () => {
    const { paths } = document.parse(await (await acme.ask('/v2/openapi.json')).json());
    const gets = Object.entries(paths).flatMap(([path, methods]) => {
      const operation = methods['get'];
      return operation === undefined ? [] : [{ path, ...operation }];
    });
    expect(gets.length).toBeGreaterThan(12);
    const request = fc
      .constantFrom(...gets)
      .chain((operation) =>
        fc
          .record(Object.fromEntries(operation.parameters.map(({ name }) => [name, odd])))
          .map((values) => ({ operation, values: values as Record<string, string> })),
      );
    await fc.assert(
      fc.asyncProperty(request, fc.boolean(), async ({ operation, values }, withSession) => {
        const fill = (name: string): string => encodeURIComponent((values[name] ?? '').toWellFormed());
        const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => fill(name));
        const query = operation.parameters
          .filter((each) => each.in === 'query')
          .map(({ name }) => `${name}=${fill(name)}`);
        const reply = await (withSession ? acme : new Client(world)).ask(`${path}?${query.join('&')}`);
        await reply.arrayBuffer();
        expect(Object.keys(operation.responses)).toContain(String(reply.status));
        expect(reply.status).toBeLessThan(500);
      }),
      { numRuns: 800 },
    );
  });

  it('was never answered by a mistake of ours', () => {
    expect(world.mistakes).toEqual([]);
  });
});
