import type { Hono } from 'hono';
import { type OpenRelease, shortChannelName } from '../../snaps/index.ts';
import type { CatalogSnap } from './catalog-snap.ts';
import type { Gate, Visit } from './gate.ts';
import { type DeviceEnv, jsonAnswer, notFound } from './http.ts';
import { sealWith } from './renderings.ts';
import { JsonTemplate, knownFields, type SnapField, snapObject } from './snap-json.ts';

/** What holds for the whole snap; the other fields differ between channels (protocol/devices.md 3.3). */
const OF_SNAP: ReadonlySet<SnapField> = new Set([
  'categories',
  'contact',
  'description',
  'license',
  'links',
  'media',
  'name',
  'prices',
  'private',
  'publisher',
  'snap-id',
  'store-url',
  'summary',
  'title',
  'website',
]);

/** Fields of a channel-map entry that clients count on, asked for or not. */
const ALWAYS = [
  'revision',
  'version',
  'type',
  'confinement',
  'epoch',
  'architectures',
  'created-at',
  'download',
] as const;

/** GET /v2/snaps/info/NAME: a snap with its channel map. */
export function infoRoute(app: Hono<DeviceEnv>, gate: Gate): void {
  app.get('/v2/snaps/info/:name', async (c) => {
    const visit = await gate.enter(c);
    const snap = await visit.catalog.visibleSnapNamed(visit.viewer, c.req.param('name'));
    const architecture = c.req.query('architecture');
    const entries = snap?.channels.entries(visit.now, snap.defaultTrack ?? 'latest', architecture) ?? [];
    if (snap === undefined || entries.length === 0) throw notFound('a snap of that name');
    const fields = knownFields((c.req.query('fields') ?? '').split(',').filter(Boolean));
    return jsonAnswer(new JsonTemplate(infoOf(visit, snap, entries, fields)).render(visit.base));
  });
}

function infoOf(
  visit: Visit,
  snap: CatalogSnap,
  entries: readonly OpenRelease[],
  fields: readonly SnapField[],
): unknown {
  const iconSeal = sealWith(visit.secrets);
  const ofEntry = [...new Set([...ALWAYS, ...fields.filter((field) => !OF_SNAP.has(field))])];
  const channelMap = entries.flatMap(({ channel, architecture, revision: number, releasedAt }) => {
    const revision = snap.revisions.get(number);
    if (revision === undefined) return [];
    return [
      {
        channel: {
          architecture,
          name: shortChannelName(channel),
          'released-at': releasedAt.toISOString(),
          risk: channel.risk,
          track: channel.track,
        },
        ...snapObject(snap, revision, { fields: ofEntry, deltaFrom: undefined, iconSeal }),
      },
    ];
  });
  const first = snap.revisions.get(entries[0]?.revision ?? 0);
  const ofSnap = [...OF_SNAP].filter(
    (field) => fields.includes(field) || field === 'name' || field === 'snap-id',
  );
  return {
    'channel-map': channelMap,
    'default-track': snap.defaultTrack ?? null,
    name: snap.name,
    snap:
      first === undefined ? {} : snapObject(snap, first, { fields: ofSnap, deltaFrom: undefined, iconSeal }),
    'snap-id': snap.snapId,
  };
}
