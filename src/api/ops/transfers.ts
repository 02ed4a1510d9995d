import { createHash } from 'node:crypto';
import { Hono } from 'hono';
import type { z } from 'zod';
import { parseChannel, channelName } from '../../snaps/index.ts';
import { stampOf } from '../../bundles/index.ts';
import { identifyBasis } from '../../activities/exports/basis.ts';
import { requireOutside } from '../../activities/fetches/outside.ts';
import type { Basis } from '../../workflows/export-contract.ts';
import { exportRequest, fetchRequest, type BasisRequest } from './transfer-contract.ts';
import type { OpsDeps } from './deps.ts';
import { jsonBody } from './http.ts';
import type { Processes } from './processes.ts';
import { GENERAL_STORE } from '../../brands/index.ts';
import { isOnline } from '../../config/index.ts';
import type { Queries } from '../../storage/index.ts';
import { AirlockError } from '../../errors.ts';
import { parseLogin } from '../../upstream/index.ts';

const OPERATOR = 'operator';

type ExportRequest = z.output<typeof exportRequest>;

/** Exports of an authority's stores and snaps. */
export function exportRoutes(deps: OpsDeps, processes: Processes, moment: () => Date): Hono {
  const app = new Hono();
  app.post('/exports', async (context) => {
    const request = await jsonBody(context, exportRequest);
    if (!(await isHere(deps.database.queries, request)) && isOnline(await deps.settings.all()))
      return context.json(await exportFromUpstream(deps, processes, request, moment), 202);
    const channels = request.channels.map((text) => channelName(parseChannel(text)));
    const common = {
      channels,
      architectures: request.architectures,
      exportDir: request.exportDir ?? null,
      ...(await basisOf(request.basis, deps.clock())),
      ...wishOf(request),
      actor: OPERATOR,
    };
    const began = moment();
    const [at, time] = [began.toISOString(), stampOf(began)];
    if (request.kind === 'store') {
      const { kind, store, keys, snaps, admin, shareWith } = request;
      const input = { ...common, at, kind, store, keys, snaps, admin: admin ?? null, shareWith };
      return context.json(
        await processes.start('exportStore', `export-store/${store}/${time}`, [input], { store }),
        202,
      );
    }
    const { kind, names, packages, store } = request;
    const input = {
      ...common,
      kind,
      names,
      store: store ?? null,
      packages: packages.map((one) => ({
        name: one.name,
        revision: one.revision,
        channel: one.push_channel ?? null,
      })),
    };
    const id = `export-snaps/${shortDigest(input)}/${time}`;
    return context.json(await processes.start('exportSnaps', id, [{ ...input, at }], { store }), 202);
  });
  return app;
}

/** Whether what is asked for was made or pushed here. */
async function isHere(queries: Queries, request: ExportRequest): Promise<boolean> {
  if (request.kind === 'store') {
    const store = queries.selectFrom('Store').select('id').where('id', '=', request.store);
    return (await store.executeTakeFirst()) !== undefined;
  }
  const names = new Set([...request.names, ...request.packages.map(({ name }) => name)]);
  const found = queries
    .selectFrom('Snap')
    .select('name')
    .where('name', 'in', [...names]);
  return names.size === 0 || (await found.execute()).length === names.size;
}

/**
 * The newer verbs on an online host: its snaps are those of the upstream, as `fetch-snaps` brings them.
 * @throws AirlockError `store-unknown` of a store, which takes a log-in; `revision-unknown` of exact revisions
 */
async function exportFromUpstream(
  deps: OpsDeps,
  processes: Processes,
  request: ExportRequest,
  moment: () => Date,
) {
  if (request.kind === 'store')
    throw new AirlockError(
      'not-found',
      'store-unknown',
      `cannot export store ${request.store}: it is not on this online host; name a log-in for the upstream store by --auth`,
    );
  if (request.packages.length > 0)
    throw new AirlockError(
      'not-found',
      'revision-unknown',
      'cannot export exact revisions that are not on this online host: name the snaps and a channel, and they come from the upstream store',
    );
  const wish = {
    ...request,
    channels: request.channels.length > 0 ? request.channels : ['latest/stable'],
    architectures: request.architectures.length > 0 ? request.architectures : ['amd64' as const],
  };
  return fetchSnaps(deps, processes, wish, moment().toISOString());
}

/** What to rest on, named by its content: a repeated request rests on the very same. */
async function basisOf(request: BasisRequest | undefined, now: Date): Promise<{ readonly basis?: Basis }> {
  if (request === undefined) return {};
  if (request.kind !== 'time') return { basis: await identifyBasis(request.kind, request.path) };
  requirePast(request.at, now);
  return { basis: request };
}

/** Throws `request-invalid` for a time to come: everything would be left out. */
export function requirePast(at: string, now: Date): void {
  if (Date.parse(at) > now.getTime())
    throw new AirlockError(
      'invalid',
      'request-invalid',
      `cannot leave out what was offered at ${at}: by this host's clock it is ${now.toISOString()}`,
    );
}

/** A request without the wish is the very one that it was before there was one: it joins what runs. */
function wishOf(request: { readonly withDependencies: boolean }): { readonly withDependencies?: true } {
  return request.withDependencies ? { withDependencies: true } : {};
}

/** Requests that ask for the same thing share one process. */
export function shortDigest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 24);
}

/** Snaps by their channels; who asks again for the same joins what runs. */
async function fetchSnaps(
  deps: OpsDeps,
  processes: Processes,
  request: Omit<Extract<z.output<typeof fetchRequest>, { kind: 'snaps' }>, 'kind'>,
  at: string,
) {
  const wish = {
    names: [...new Set(request.names)],
    channels: request.channels.map((text) => channelName(parseChannel(text))),
    architectures: request.architectures,
    store: request.store ?? null,
    ...(await basisOf(request.basis, deps.clock())),
    ...wishOf(request),
  };
  const fetchId = fetchIdOf(wish, request);
  const credentials = await seal(deps, fetchId, request.credentials);
  const input = { ...wish, fetchId, credentials, exportDir: request.exportDir ?? null, at, actor: OPERATOR };
  const id = `fetch-snaps/${wish.store ?? GENERAL_STORE}/${fetchId}`;
  return processes.start('fetchSnaps', id, [input], { store: wish.store ?? undefined });
}

/** The online role: fetches from the upstream store. A login is sealed at once, and forgotten when the fetch is over. */
export function fetchRoutes(deps: OpsDeps, processes: Processes, moment: () => Date): Hono {
  const app = new Hono();
  app.post('/fetches', async (context) => {
    const request = await jsonBody(context, fetchRequest);
    await requireOutside(deps.settings);
    const exportDir = request.exportDir ?? null;
    const at = moment().toISOString();
    switch (request.kind) {
      case 'snaps': {
        if (request.names.length === 0 && (request.store === undefined || request.credentials === undefined))
          throw new AirlockError(
            'invalid',
            'request-invalid',
            'cannot fetch nothing: name snaps, or a store and a log-in for all of its snaps',
          );
        return context.json(await fetchSnaps(deps, processes, request, at), 202);
      }
      case 'store': {
        const { store, keys, snaps } = request;
        const wish = {
          names: [],
          channels: request.channels.map((text) => channelName(parseChannel(text))),
          architectures: request.architectures,
          store,
          whole: { keys, snaps },
          ...(await basisOf(request.basis, deps.clock())),
          ...wishOf(request),
        };
        const fetchId = fetchIdOf(wish, request);
        const credentials = await seal(deps, fetchId, request.credentials);
        const input = { ...wish, fetchId, credentials, exportDir, at, actor: OPERATOR };
        const id = `fetch-snaps/${store}/${fetchId}`;
        return context.json(await processes.start('fetchSnaps', id, [input], { store }), 202);
      }
      case 'account-keys': {
        const { account, keys } = request;
        const input = { account, keys, exportDir, at, actor: OPERATOR };
        const id = `fetch-account-keys/${account}/${fetchIdOf(keys, request)}`;
        return context.json(await processes.start('fetchAccountKeys', id, [input], { brand: account }), 202);
      }
      case 'store-metadata': {
        const { store } = request;
        const fetchId = fetchIdOf(store, request);
        const credentials = await seal(deps, fetchId, request.credentials);
        const input = { store, credentials: credentials ?? '', exportDir, at, actor: OPERATOR };
        const id = `fetch-brand-store-metadata/${store}/${fetchId}`;
        return context.json(await processes.start('fetchBrandStoreMetadata', id, [input], { store }), 202);
      }
      default:
        return request satisfies never;
    }
  });
  return app;
}

/** Names a fetch: who repeats it joins it, and who wants another folder or comes with another login does not. */
function fetchIdOf(
  wish: unknown,
  given: { readonly exportDir?: string | undefined; readonly credentials?: string | undefined },
): string {
  return shortDigest([wish, given.exportDir ?? null, given.credentials ?? null]);
}

/** Seals a login under a name of this fetch; the name is what the workflow is told. */
async function seal(deps: OpsDeps, fetchId: string, credentials: string | undefined): Promise<string | null> {
  if (credentials === undefined) return null;
  parseLogin(credentials);
  const name = `fetch.login.${fetchId}`;
  await deps.settings.change(new Map([[name, { value: credentials, secret: true }]]), deps.clock());
  return name;
}
