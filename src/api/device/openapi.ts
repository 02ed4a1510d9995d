import type { Hono } from 'hono';
import { z } from 'zod';
import { answer, type DeviceEnv, JSON_TYPE } from './http.ts';
import { cohortsSchema } from './cohorts.ts';
import { refreshSchema } from './refresh-request.ts';
import { sessionSchema } from './sessions.ts';

const error = z.object({ 'error-list': z.array(z.object({ code: z.string(), message: z.string() })) });
const anything = z.looseObject({});

interface Operation {
  readonly path: string;
  readonly method: 'get' | 'post';
  readonly summary: string;
  readonly parameters?: readonly Parameter[];
  readonly body?: z.ZodType;
  /** Content type of the answer; JSON unless told. */
  readonly produces?: string;
  readonly reply?: z.ZodType;
  /** Statuses besides 200 and the general ones. */
  readonly statuses?: readonly string[];
}

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
}

const query = (...names: readonly string[]): Parameter[] => names.map((name) => ({ name, in: 'query' }));
const path = (...names: readonly string[]): Parameter[] => names.map((name) => ({ name, in: 'path' }));
const named = () => z.array(z.object({ name: z.string() }));
const BINARY = 'application/octet-stream';
const ASSERTIONS = 'application/x.ubuntu.assertion';
const HAL = 'application/hal+json';

/** What parameters must look like; the others may be anything. */
const PATTERNS: Readonly<Record<string, string>> = {
  'max-format': '^[0-9]{1,9}$',
  sequence: '^(latest|[0-9]{1,9})$',
  channel: '^(([a-z0-9.]{1,20}/)?(stable|candidate|beta|edge))?$',
};

const OPERATIONS: readonly Operation[] = [
  {
    path: '/',
    method: 'get',
    summary: 'Says that this is a store; Snap-Store-Version is on every answer',
    produces: 'text/plain',
  },
  {
    path: '/v2/snaps/refresh',
    method: 'post',
    summary: 'Install, download, refresh, fetch-assertions',
    body: refreshSchema,
  },
  {
    path: '/v2/snaps/info/{name}',
    method: 'get',
    summary: 'A snap with its channel map',
    parameters: [...path('name'), ...query('architecture', 'fields')],
  },
  {
    path: '/v2/snaps/find',
    method: 'get',
    summary: 'Search',
    parameters: query(
      'q',
      'name',
      'category',
      'common-id',
      'channel',
      'confinement',
      'architecture',
      'private',
      'fields',
    ),
  },
  {
    path: '/v2/snaps/categories',
    method: 'get',
    summary: 'Categories',
    reply: z.object({ categories: named() }),
  },
  {
    path: '/v2/cohorts',
    method: 'post',
    summary: 'Makes cohort keys',
    body: cohortsSchema,
  },
  {
    path: '/api/v1/snaps/names',
    method: 'get',
    summary: 'Every name, for completion',
    parameters: query('confinement'),
    produces: HAL,
  },
  { path: '/api/v1/snaps/sections', method: 'get', summary: 'Sections', produces: HAL },
  {
    path: '/api/v1/snaps/auth/nonces',
    method: 'post',
    summary: 'A nonce for a session request',
    reply: z.object({ nonce: z.string() }),
  },
  {
    path: '/api/v1/snaps/auth/sessions',
    method: 'post',
    summary: 'Opens a device session',
    body: sessionSchema,
    reply: z.object({ macaroon: z.string() }),
    statuses: ['403'],
  },
  {
    path: '/v2/assertions/{type}/{key}',
    method: 'get',
    summary: 'One assertion; the key may have several parts',
    parameters: [...path('type', 'key'), ...query('max-format', 'sequence')],
    produces: ASSERTIONS,
  },
  {
    path: '/v2/assertion-streams/{address}',
    method: 'get',
    summary: 'Assertions that a refresh answer points to',
    parameters: path('address'),
    produces: ASSERTIONS,
  },
  {
    path: '/api/v1/snaps/download/{file}',
    method: 'get',
    summary: 'A snap, delta or component',
    parameters: path('file'),
    produces: BINARY,
    statuses: ['206', '304', '416'],
  },
  {
    path: '/api/v1/snaps/icons/{file}',
    method: 'get',
    summary: 'An icon',
    parameters: path('file'),
    produces: 'image/png',
    statuses: ['206', '304', '416'],
  },
  {
    path: '/v2/auth/store/assertions',
    method: 'get',
    summary: 'The store assertion of this host with its chain, for snap ack',
    produces: ASSERTIONS,
  },
  { path: '/v2/setup', method: 'get', summary: 'How to point a device at this store' },
  {
    path: '/v2/setup/script',
    method: 'get',
    summary: 'The same as a shell script',
    produces: 'text/x-shellscript',
  },
  {
    path: '/v2/setup/cloud-init',
    method: 'get',
    summary: 'The same as cloud-init user data',
    produces: 'text/cloud-config',
  },
  {
    path: '/v2/setup/ca.crt',
    method: 'get',
    summary: 'The CA that devices must trust',
    produces: 'application/x-pem-file',
  },
];

/** Statuses that any route may answer with. */
const GENERAL = ['400', '401', '404', '405', '413', '503'];

/** The OpenAPI 3.1 document of the device API. */
function openApiDocument(): unknown {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of OPERATIONS) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Airlock device API', version: '1', description: 'The store as snapd speaks to it.' },
    paths,
  };
}

function describe(operation: Operation): unknown {
  const produces = operation.produces ?? JSON_TYPE;
  const isJson = produces === JSON_TYPE || produces === HAL;
  const schema = isJson ? z.toJSONSchema(operation.reply ?? anything) : { type: 'string' };
  const responses: Record<string, unknown> = {
    '200': { description: 'As asked.', content: { [produces]: { schema } } },
  };
  for (const status of [...GENERAL, ...(operation.statuses ?? [])]) {
    responses[status] = {
      description: 'See error-list where there is a body.',
      content: { [JSON_TYPE]: { schema: z.toJSONSchema(error) } },
    };
  }
  for (const status of ['206', '304']) {
    if (responses[status] !== undefined)
      responses[status] = { description: 'A part of the file, or none of it.' };
  }
  return {
    summary: operation.summary,
    parameters: (operation.parameters ?? []).map((parameter) => ({
      ...parameter,
      required: parameter.in === 'path',
      schema: {
        type: 'string',
        ...(PATTERNS[parameter.name] !== undefined && { pattern: PATTERNS[parameter.name] }),
      },
    })),
    ...(operation.body && {
      requestBody: {
        required: true,
        content: { [JSON_TYPE]: { schema: z.toJSONSchema(operation.body, { io: 'input' }) } },
      },
    }),
    responses,
  };
}

/** GET /v2/openapi.json: the document, made once. */
export function openApiRoute(app: Hono<DeviceEnv>): void {
  let text: string | undefined;
  app.get('/v2/openapi.json', () => answer(200, JSON_TYPE, (text ??= JSON.stringify(openApiDocument()))));
}
