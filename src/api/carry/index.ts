import { Hono } from 'hono';
import { AssertionCloser } from '../../activities/exports/assertions.ts';
import { exporterSigner, metadataFileText, type SnapMaterial } from '../../activities/exports/archive.ts';
import { snapMaterial } from '../../activities/exports/catalog.ts';
import { awaitedBy, ownSnaps, snapIdsOf } from '../../activities/exports/visible-snaps.ts';
import { storesFor } from '../../activities/exports/described-stores.ts';
import { storeAssertions } from '../../activities/exports/store-export.ts';
import { encodeStream } from '../../assertions/index.ts';
import { AirlockError } from '../../errors.ts';
import { checkSnap, seesSnap } from '../../publishers/index.ts';
import { channelName, fallbacks, parseChannel, type Channel } from '../../snaps/index.ts';
import { heldReleases, type BlobStore, type Queries, type SettingStore } from '../../storage/index.ts';
import { fileAnswer } from '../device/file-answer.ts';
import type { DeviceEnv } from '../device/index.ts';
import { isUnforeseen } from '../errors.ts';
import { errorAnswer } from '../ops/http.ts';
import { requireRole, type Caller, type RoleDeps } from './roles.ts';

/** What the interface for online hosts needs from an authority. */
export interface CarryDeps extends RoleDeps {
  readonly blobs: BlobStore;
  readonly settings: SettingStore;
  readonly report: (error: unknown) => void;
}

/**
 * What an authority gives to online hosts that carry a brand store elsewhere, under `/carry/v1`: its snaps, to an account with
 * the role Viewer and the permission `package_access`; its metadata, to one with the role Admin and `store_admin` (seed 000).
 * A store or snap that is not the account's to see is answered as one that does not exist.
 */
export function createCarryApi(deps: CarryDeps): Hono<DeviceEnv> {
  const app = new Hono<DeviceEnv>();
  const { queries } = deps.database;
  app.onError((error) => {
    if (isUnforeseen(error)) deps.report(error);
    return errorAnswer(error);
  });

  app.get('/carry/v1/stores/:store/snaps', async (context) => {
    const store = context.req.param('store');
    const { attenuation } = await requireRole(deps, context, store, 'view');
    const stores = await storesFor(queries, store);
    // Snaps of another brand that shares its store come with the export of that brand, as from `export store`.
    const { ids, warnings } = await ownSnaps(queries, stores, (await snapIdsOf(queries, stores)).ids);
    const rows = await queries.selectFrom('Snap').select(['snapId', 'name']).orderBy('name').execute();
    const visible = new Set(ids);
    return context.json({
      snaps: rows
        .filter(({ snapId, name }) => visible.has(snapId) && seesSnap(attenuation, { name, id: snapId }))
        .map(({ name }) => ({ name })),
      warnings,
    });
  });

  app.get('/carry/v1/stores/:store/snaps/:name', async (context) => {
    const store = context.req.param('store');
    const caller = await requireRole(deps, context, store, 'view');
    const name = context.req.param('name');
    const snapId = await requireVisible(queries, caller, name, store);
    const closer = new AssertionCloser(queries);
    const channel = parseChannel(context.req.query('channel') ?? '');
    const architecture = context.req.query('architecture') ?? 'amd64';
    const held = await heldFrom(channel, (effective) =>
      snapMaterial(
        { queries, blobs: deps.blobs, closer },
        snapId,
        { channels: [effective], architectures: [architecture] },
        true,
      ),
    );
    if (held === undefined) throw unknownSnap(`${name} in ${channelName(channel)}`, store);
    const { found, first, effective } = held;
    const { revision, assertions } = first;
    const { snap } = found;
    const yaml = await queries
      .selectFrom('SnapRevision')
      .select('snapYaml')
      .where('snapId', '=', snap.snapId)
      .where('revision', '=', revision.revision)
      .executeTakeFirstOrThrow();
    const files = `/carry/v1/stores/${encodeURIComponent(store)}/snaps/${name}/files`;
    return context.json({
      'snap-id': snap.snapId,
      name: snap.name,
      store: snap.store,
      revision: revision.revision,
      version: revision.version,
      type: snap.type,
      title: snap.title,
      summary: snap.summary,
      description: snap.description,
      license: snap.license,
      contact: snap.contact,
      website: snap.website,
      private: snap.private,
      links: snap.links,
      media: snap.media,
      publisher: { id: snap.publisherId },
      download: {
        'sha3-384': revision.digest,
        size: revision.size,
        url: `${files}/${revision.digest}`,
      },
      'snap-yaml': yaml.snapYaml,
      'released-at': snap.channels[0]?.releasedAt,
      'effective-channel': effective,
      resources: (found.components ?? []).map(({ component }) => ({
        name: component.name,
        type: component.type,
        revision: component.revision,
        version: component.version,
        description: component.description,
        'created-at': component.createdAt,
        download: {
          'sha3-384': component.digest,
          size: component.size,
          url: `${files}/${component.digest}`,
        },
      })),
      assertions: Buffer.from(encodeStream(assertions)).toString('utf8'),
    });
  });

  app.get('/carry/v1/stores/:store/snaps/:name/channels', async (context) => {
    const store = context.req.param('store');
    const caller = await requireRole(deps, context, store, 'view');
    const snapId = await requireVisible(queries, caller, context.req.param('name'), store);
    return context.json({ 'snap-id': snapId, ...(await channelsOf(queries, snapId)) });
  });

  app.get('/carry/v1/stores/:store/snaps/:name/files/:digest{[0-9a-f]{96}}', async (context) => {
    const store = context.req.param('store');
    const caller = await requireRole(deps, context, store, 'view');
    const digest = context.req.param('digest');
    const name = context.req.param('name');
    const snapId = await requireVisible(queries, caller, name, store);
    if (!(await isFileOf(queries, snapId, digest))) throw unknownSnap(name, store);
    return fileAnswer(context, deps.blobs, digest, {
      contentType: 'application/octet-stream',
      fileName: `${name}.snap`,
      report: deps.report,
    });
  });

  app.get('/carry/v1/stores/:store/admin', async (context) => {
    const store = context.req.param('store');
    const { accountId, attenuation } = await requireRole(deps, context, store, 'administer');
    const { username, displayName, email } = await queries
      .selectFrom('Account')
      .select(['username', 'displayName', 'email'])
      .where('id', '=', accountId)
      .executeTakeFirstOrThrow();
    return context.json({
      accountId,
      username,
      displayName,
      email: email ?? '',
      expires: attenuation.expires?.toISOString() ?? null,
    });
  });

  app.get('/carry/v1/stores/:store/metadata', async (context) => {
    const store = context.req.param('store');
    const { accountId } = await requireRole(deps, context, store, 'administer');
    return context.body(await metadataOf(deps, store, accountId), 200, {
      'content-type': 'application/json',
    });
  });
  return app;
}

/** What a channel holds, or the next safer one that holds something, as devices get it. */
async function heldFrom(channel: Channel, look: (name: string) => Promise<SnapMaterial | undefined>) {
  for (const candidate of fallbacks(channel)) {
    const effective = channelName(candidate);
    const found = await look(effective);
    const [first] = found?.revisions ?? [];
    if (found !== undefined && first !== undefined) return { found, first, effective };
  }
  return undefined;
}

/** The id of a snap that the store's devices may see; refused where the credential is limited to others. */
async function requireVisible(
  queries: Queries,
  { attenuation }: Caller,
  name: string,
  store: string,
): Promise<string> {
  const row = await queries.selectFrom('Snap').select('snapId').where('name', '=', name).executeTakeFirst();
  checkSnap(attenuation, { name, id: row?.snapId });
  const visible = row && (await snapIdsOf(queries, await storesFor(queries, store))).ids.includes(row.snapId);
  if (row === undefined || visible !== true) throw unknownSnap(name, store);
  return row.snapId;
}

/** What each channel holds now, and what each revision is for. */
async function channelsOf(queries: Queries, snapId: string) {
  const releases = await heldReleases(queries, snapId);
  const revisions = await queries
    .selectFrom('SnapRevision')
    .select(['revision', 'architectures'])
    .where('snapId', '=', snapId)
    .execute();
  return {
    releases: releases.map(({ track, risk, branch, architecture, revision }) => ({
      channel: [track, risk, branch].filter(Boolean).join('/'),
      architecture,
      revision,
    })),
    revisions,
  };
}

/** Whether a file is a revision of the snap or of one of its components. */
async function isFileOf(queries: Queries, snapId: string, digest: string): Promise<boolean> {
  for (const table of ['SnapRevision', 'SnapResource'] as const) {
    const row = await queries
      .selectFrom(table)
      .select('id')
      .where('snapId', '=', snapId)
      .where('sha3_384', '=', digest)
      .executeTakeFirst();
    if (row !== undefined) return true;
  }
  return false;
}

/** The store's metadata as a signed file: stores, inclusion lists, assertions; which snaps there are, and no channel map. */
async function metadataOf(deps: CarryDeps, store: string, accountId: string): Promise<string> {
  const { queries } = deps.database;
  const at = deps.clock();
  const stores = await storesFor(queries, store);
  const closer = new AssertionCloser(queries);
  return metadataFileText(
    {
      kind: 'store-metadata',
      store,
      createdAt: at,
      complete: false,
      stores,
      admin: null,
      streams: new Map([
        ['assertions/store.assert', await storeAssertions(queries, closer, stores, accountId)],
      ]),
      snaps: [],
      awaits: await awaitedBy(queries, stores),
    },
    await exporterSigner(deps.settings, at),
  );
}

function unknownSnap(name: string, store: string): AirlockError {
  return new AirlockError(
    'not-found',
    'snap-unknown',
    `cannot find ${name.slice(0, 120)} in the store ${store}`,
  );
}
