import type { Hono } from 'hono';
import {
  channelName,
  decide,
  parseChannel,
  rank,
  type RequestedChannel,
  searchWords,
} from '../../snaps/index.ts';
import type { CatalogRevision, CatalogSnap, ListedSnap } from './catalog-snap.ts';
import type { Gate, Visit } from './gate.ts';
import { architectureOf, type DeviceContext, type DeviceEnv, jsonAnswer } from './http.ts';
import { sealWith } from './renderings.ts';
import { JsonTemplate, knownFields, type SnapField, snapObject } from './snap-json.ts';

/** How many snaps a search returns, at most. */
const RESULTS_MAX = 100;
/** Longer search terms are cut. */
const QUERY_MAX = 256;

/** Fields that are told of the released revision; the rest is told of the snap (protocol/devices.md 3.4). */
const OF_REVISION: readonly SnapField[] = [
  'base',
  'common-ids',
  'confinement',
  'epoch',
  'revision',
  'type',
  'version',
];

/** What a search asks for. */
interface Search {
  readonly words: readonly string[];
  readonly prefix: string;
  readonly category: string;
  readonly commonId: string;
  readonly confinements: readonly string[];
  readonly channel: RequestedChannel;
  readonly wide: boolean;
  readonly privateOnly: boolean;
  readonly architecture: string;
  readonly fields: readonly SnapField[];
}

/** GET /v2/snaps/find: by words, name prefix, category or common id. */
export function findRoute(app: Hono<DeviceEnv>, gate: Gate): void {
  app.get('/v2/snaps/find', async (c) => {
    const visit = await gate.enter(c);
    const search = searchOf(c);
    const results: unknown[] = [];
    for await (const snap of visit.catalog.inBatches(
      matching(search, await visit.catalog.listed(visit.viewer)),
    )) {
      const result = resultOf(visit, search, snap);
      if (result !== undefined) results.push(result);
      if (results.length === RESULTS_MAX) break;
    }
    return jsonAnswer(new JsonTemplate({ results, 'error-list': [] }).render(visit.base));
  });
}

function searchOf(c: DeviceContext): Search {
  const query = (name: string): string => (c.req.query(name) ?? '').slice(0, QUERY_MAX);
  const channel = query('channel');
  return {
    words: searchWords(query('q')),
    prefix: query('name').toLowerCase(),
    category: query('category') || query('section'),
    commonId: query('common-id'),
    confinements: query('confinement').split(',').filter(Boolean),
    channel: parseChannel(channel === '' ? 'edge' : channel),
    wide: channel === '',
    privateOnly: query('private') === 'true',
    architecture: c.req.query('architecture') ?? architectureOf(c),
    fields: knownFields(query('fields').split(',').filter(Boolean)),
  };
}

/** The listed snaps that a search may return, best first. */
function matching(
  search: Pick<Search, 'words' | 'prefix' | 'category' | 'privateOnly'>,
  listed: readonly ListedSnap[],
): ListedSnap[] {
  const { words, prefix, category, privateOnly } = search;
  const found = listed
    .filter((snap) => !privateOnly || snap.private)
    .filter((snap) => prefix === '' || snap.name.startsWith(prefix))
    .filter((snap) => category === '' || isIn(category, snap))
    .map((snap) => ({ snap, score: words.length === 0 ? 1 : rank(snap, words) }))
    .filter(({ score }) => score > 0);
  return found.sort((a, b) => b.score - a.score).map(({ snap }) => snap);
}

/** `featured` is a mark, not a category of its own, unless a snap has it as one. */
function isIn(category: string, snap: ListedSnap): boolean {
  return snap.categories.some((each) => each.name === category || (category === 'featured' && each.featured));
}

function resultOf(visit: Visit, search: Search, snap: CatalogSnap): unknown {
  const answer = released(visit, search, snap);
  if (answer === undefined) return undefined;
  const { revision, channel } = answer;
  if (search.confinements.length > 0 && !search.confinements.includes(revision.confinement)) return undefined;
  const iconSeal = sealWith(visit.secrets);
  const asked = new Set(search.fields);
  const ofSnap = search.fields.filter((field) => !OF_REVISION.includes(field) && field !== 'download');
  const ofRevision = OF_REVISION.filter(
    (field) => asked.has(field) || field === 'revision' || field === 'version',
  );
  const object = snapObject(snap, revision, {
    fields: [...ofRevision, 'common-ids'],
    deltaFrom: undefined,
    iconSeal,
  });
  const ids = object['common-ids'];
  if (search.commonId !== '' && !(Array.isArray(ids) && ids.includes(search.commonId))) return undefined;
  return {
    name: snap.name,
    revision: { ...object, channel, download: { size: revision.size } },
    snap: snapObject(snap, revision, { fields: ofSnap, deltaFrom: undefined, iconSeal }),
    'snap-id': snap.snapId,
  };
}

/** What the device would get; in a wide search from the safest channel that has anything. */
function released(
  visit: Visit,
  search: Search,
  snap: CatalogSnap,
): { revision: CatalogRevision; channel: string } | undefined {
  const ask = (channel: RequestedChannel) =>
    decide(snap, {
      action: 'install',
      architecture: search.architecture,
      channel,
      revision: undefined,
      installed: undefined,
      tracking: undefined,
      constraint: { kind: 'free' },
      followsDefaultTrack: true,
      identity: visit.session && `${visit.session.brandId}/${visit.session.model}/${visit.session.serial}`,
      at: visit.now,
    });
  const channels = search.wide ? ['stable', 'candidate', 'beta', 'edge'].map(parseChannel) : [search.channel];
  for (const channel of channels) {
    const decision = ask(channel);
    if (decision.kind !== 'revision') continue;
    return {
      revision: decision.revision,
      channel: decision.effective === undefined ? '' : channelName(decision.effective),
    };
  }
  return undefined;
}
