import { channelName, isRisk } from '../../../snaps/index.ts';
import type { Queries } from '../../../storage/index.ts';
import type { ImportPlanItem } from '../../../workflows/import-contract.ts';
import { releasedAnew } from '../changes.ts';
import type { Undo } from './undo.ts';

/** One thing that imports and removals change, and what is said of it. */
interface Fact extends Pick<ImportPlanItem, 'kind' | 'subject' | 'detail'> {
  /** Two moments differ in it where this differs. */
  readonly value: string;
  /** Of a channel: what it holds, whenever it got that, and what is said where only the time differs. */
  readonly held?: { readonly value: string; readonly detail: string };
}

/** What imports and removals change, by what it is; without assertions, of which a host may have a million. */
export type CatalogState = ReadonlyMap<string, Fact>;

/** Reads the catalogue as it is now; inside a transaction as that has left it. */
export async function catalogState(queries: Queries): Promise<CatalogState> {
  const facts = new Map<string, Fact>();
  const note = (key: readonly unknown[], fact: Omit<Fact, 'value'>, value: unknown) =>
    facts.set(JSON.stringify(key), { ...fact, value: JSON.stringify(value) });
  const names = await noteSnaps(queries, note);
  await noteChannels(queries, note, names);
  await noteStores(queries, note);
  await notePeople(queries, note);
  return facts;
}

/** What is new, gone or different in `after`. */
export function catalogDifference(before: CatalogState, after: CatalogState): readonly ImportPlanItem[] {
  const items: ImportPlanItem[] = [];
  for (const [key, { kind, subject, detail, value, held }] of after) {
    const old = before.get(key);
    if (old?.value === value) continue;
    const told = held !== undefined && held.value === old?.held?.value ? held.detail : detail;
    items.push({ action: old === undefined ? 'new' : 'updated', kind, subject, detail: told });
  }
  for (const [key, { kind, subject, detail }] of before)
    if (!after.has(key)) items.push({ action: 'removed', kind, subject, detail });
  return items;
}

/** What undoing these acts, in this order, does to assertions. */
export function assertionDifference(undos: readonly Undo[]): readonly ImportPlanItem[] {
  const seen = new Map<string, { readonly before: boolean; after: boolean; readonly item: Said }>();
  const note = (assertion: Undo['assertions'][number], after: boolean) => {
    const { type, primaryKey, revision } = assertion;
    const key = `${type} ${primaryKey} ${revision}`;
    const earlier = seen.get(key);
    const item = { subject: `${type} ${primaryKey}`, detail: `revision ${revision}` };
    if (earlier === undefined) seen.set(key, { before: !after, after, item });
    else earlier.after = after;
  };
  for (const { removed, assertions } of undos) {
    for (const assertion of removed.assertions) note(assertion, true);
    for (const assertion of assertions) note(assertion, false);
  }
  return [...seen.values()].flatMap(({ before, after, item }) =>
    before === after ? [] : [{ action: after ? 'new' : 'removed', kind: 'assertion', ...item }],
  );
}

type Said = Pick<ImportPlanItem, 'subject' | 'detail'>;
type Note = (key: readonly unknown[], fact: Omit<Fact, 'value'>, value: unknown) => void;
type Names = ReadonlyMap<string, string>;

async function noteSnaps(queries: Queries, note: Note): Promise<Names> {
  const snaps = await queries.selectFrom('Snap').selectAll().orderBy('name').execute();
  const names = new Map(snaps.map(({ snapId, name }) => [snapId, name]));
  for (const { createdAt: _created, changedAt: _changed, ...snap } of snaps)
    note(
      ['snap', snap.snapId],
      { kind: 'snap', subject: snap.name, detail: `of store ${snap.storeId}` },
      snap,
    );
  const revisions = await queries
    .selectFrom('SnapRevision')
    .select(['snapId', 'revision', 'version', 'size', 'sha3_384'])
    .orderBy('id')
    .execute();
  for (const { snapId, revision, version, size, sha3_384 } of revisions) {
    const subject = `${names.get(snapId) ?? snapId} ${revision}`;
    const detail = `${version}, ${size} bytes`;
    note(['revision', snapId, revision], { kind: 'revision', subject, detail }, sha3_384);
  }
  const components = await queries
    .selectFrom('SnapResource')
    .select(['snapId', 'name', 'revision', 'version', 'size', 'sha3_384'])
    .orderBy('id')
    .execute();
  for (const { snapId, name, revision, version, size, sha3_384 } of components) {
    const subject = `${names.get(snapId) ?? snapId}+${name} ${revision}`;
    const detail = `${version}, ${size} bytes`;
    note(['component', snapId, name, revision], { kind: 'revision', subject, detail }, sha3_384);
  }
  const pairs = await queries.selectFrom('SnapResourcePair').selectAll().orderBy('id').execute();
  for (const { snapId, snapRevision, resourceName, resourceRevision } of pairs) {
    const name = names.get(snapId) ?? snapId;
    const detail = `goes with ${name}+${resourceName} ${resourceRevision}`;
    note(
      ['pair', snapId, snapRevision, resourceName],
      { kind: 'revision', subject: `${name} ${snapRevision}`, detail },
      resourceRevision,
    );
  }
  return names;
}

async function noteChannels(queries: Queries, note: Note, names: Names): Promise<void> {
  const releases = await queries
    .selectFrom('ChannelRelease')
    .selectAll()
    .where('endedAt', 'is', null)
    .orderBy('id')
    .execute();
  const places = Map.groupBy(releases, ({ snapId, track, risk, branch, architecture }) =>
    JSON.stringify([snapId, track, risk, branch, architecture]),
  );
  for (const [place, rows] of places) {
    const [first] = rows;
    if (first === undefined || !isRisk(first.risk)) continue;
    const { snapId, track, risk, branch, architecture } = first;
    const channel = channelName({ track, risk, branch: branch || undefined });
    const held = rows.map(({ revision }) => revision);
    const shown = held.every((revision) => revision === null) ? 'closed' : `revision ${held.join(' and ')}`;
    const withoutTime = rows.map(({ id: _id, releasedAt: _at, ...row }) => row);
    const lastAt = rows.reduce((last, { releasedAt }) => (releasedAt > last ? releasedAt : last), '');
    note(
      ['channel', place],
      {
        kind: 'channel',
        subject: `${names.get(snapId) ?? snapId} ${channel} ${architecture}`,
        detail: shown,
        held: { value: JSON.stringify(withoutTime), detail: releasedAnew(shown, lastAt) },
      },
      rows.map(({ id: _id, ...row }) => row),
    );
  }
}

async function noteStores(queries: Queries, note: Note): Promise<void> {
  const stores = await queries.selectFrom('Store').selectAll().orderBy('id').execute();
  for (const { id, name, kind, brandId, parentId } of stores) {
    note(['store', id], { kind: 'store', subject: id, detail: name }, [name, kind, brandId]);
    if (parentId !== null)
      note(['parent', id], { kind: 'store', subject: id, detail: `sub-store of ${parentId}` }, parentId);
  }
  const inclusions = await queries.selectFrom('StoreInclusion').selectAll().orderBy('id').execute();
  for (const { storeId, includedStoreId, allSnaps } of inclusions)
    note(
      ['inclusion', storeId, includedStoreId],
      {
        kind: 'store',
        subject: storeId,
        detail: `includes ${includedStoreId}${allSnaps ? ', all of it' : ''}`,
      },
      allSnaps,
    );
  const shares = await queries.selectFrom('StoreShare').selectAll().orderBy('id').execute();
  for (const { storeId, brandId } of shares)
    note(
      ['share', storeId, brandId],
      { kind: 'store', subject: storeId, detail: `shared with ${brandId}` },
      brandId,
    );
  const listed = await queries.selectFrom('StoreInclusionSnap').selectAll().orderBy('id').execute();
  for (const { storeId, includedStoreId, snapId, snapName } of listed)
    note(
      ['included', storeId, includedStoreId, snapId],
      { kind: 'store', subject: storeId, detail: `includes ${snapName} of ${includedStoreId}` },
      snapName,
    );
}

async function notePeople(queries: Queries, note: Note): Promise<void> {
  const accounts = await queries
    .selectFrom('Account')
    .select(['id', 'displayName', 'email'])
    .orderBy('id')
    .execute();
  for (const { id, displayName, email } of accounts)
    note(['account', id], { kind: 'account', subject: id, detail: displayName }, [displayName, email]);
  const roles = await queries.selectFrom('StoreRole').selectAll().orderBy('id').execute();
  for (const { id, storeId, accountId, role } of roles)
    note(['role', id], { kind: 'admin', subject: accountId, detail: `${role} of store ${storeId}` }, role);
  const tokens = await queries
    .selectFrom('Token')
    .select(['sessionId', 'accountId', 'kind'])
    .where('kind', '=', 'admin')
    .orderBy('sessionId')
    .execute();
  for (const { sessionId, accountId, kind } of tokens)
    note(['token', sessionId], { kind: 'admin', subject: accountId, detail: `${kind} token` }, kind);
  const pins = await queries
    .selectFrom('PinnedExporter')
    .select(['storeId', 'fingerprint', 'newestExport'])
    .orderBy('storeId')
    .execute();
  for (const { storeId, fingerprint, newestExport } of pins)
    note(
      ['exporter', storeId],
      { kind: 'exporter', subject: storeId, detail: `key ${fingerprint}, newest export ${newestExport}` },
      [fingerprint, newestExport],
    );
}
