import { AirlockError } from '../../errors.ts';
import { checkNameRegistration, parseAccountId } from '../../publishers/index.ts';
import { appendAct } from '../audit-log.ts';
import type { Queries } from '../database.ts';

/** A registered snap as publishers see it. */
export interface RegisteredSnap {
  readonly snapId: string;
  readonly name: string;
  readonly storeId: string;
  readonly publisherId: string;
  readonly private: boolean;
  readonly createdAt: string;
}

const COLUMNS = ['snapId', 'name', 'storeId', 'publisherId', 'private', 'createdAt'] as const;

/**
 * Registers a name for an account, in a store. Call it in a transaction.
 *
 * @param snapId 32 letters and digits, made from randomness by the caller
 * @throws PublisherError as `checkNameRegistration`
 */
export async function registerName(
  queries: Queries,
  snap: Omit<RegisteredSnap, 'createdAt'>,
  actor: string,
  at: Date,
): Promise<void> {
  const { snapId, name, storeId, publisherId } = snap;
  const holder = await queries
    .selectFrom('Snap')
    .select('publisherId')
    .where('name', '=', name)
    .executeTakeFirst();
  checkNameRegistration(name, parseAccountId(publisherId), holder?.publisherId);
  const now = at.toISOString();
  await queries
    .insertInto('Snap')
    .values({
      snapId,
      name,
      storeId,
      publisherId,
      private: snap.private,
      type: 'app',
      title: name,
      summary: '',
      description: '',
      links: {},
      media: [],
      categories: [],
      createdAt: now,
      changedAt: now,
    })
    .execute();
  await appendAct(queries, {
    at,
    actor,
    act: 'snap.register',
    subject: snapId,
    details: { name, storeId, publisherId },
  });
}

/**
 * Finds a snap by name or id.
 *
 * @throws AirlockError `resource-not-found`
 */
export async function findSnap(queries: Queries, reference: string): Promise<RegisteredSnap> {
  const row = await queries
    .selectFrom('Snap')
    .select(COLUMNS)
    .where((eb) => eb.or([eb('name', '=', reference), eb('snapId', '=', reference)]))
    .executeTakeFirst();
  if (row) return row;
  const sentence = `cannot find the snap "${reference.slice(0, 80)}": no snap of that name is registered`;
  throw new AirlockError('not-found', 'resource-not-found', sentence);
}

/** The snaps of one publisher, by name. */
export async function snapsOf(queries: Queries, publisherId: string): Promise<RegisteredSnap[]> {
  return queries
    .selectFrom('Snap')
    .select(COLUMNS)
    .where('publisherId', '=', publisherId)
    .orderBy('name')
    .execute();
}

/** The snaps of one store, by name. */
export async function snapsIn(queries: Queries, storeId: string): Promise<RegisteredSnap[]> {
  return queries.selectFrom('Snap').select(COLUMNS).where('storeId', '=', storeId).orderBy('name').execute();
}

/** The revisions of a snap, newest first. */
export async function revisionsOf(queries: Queries, snapId: string) {
  return queries
    .selectFrom('SnapRevision')
    .select([
      'revision',
      'sha3_384',
      'size',
      'version',
      'type',
      'architectures',
      'base',
      'confinement',
      'grade',
      'epoch',
      'createdAt',
    ])
    .where('snapId', '=', snapId)
    .orderBy('revision', 'desc')
    .execute();
}

/** Every release of a snap, newest first, ended ones too. */
export async function releasesOf(queries: Queries, snapId: string) {
  return queries
    .selectFrom('ChannelRelease')
    .selectAll()
    .where('snapId', '=', snapId)
    .orderBy('releasedAt', 'desc')
    .orderBy('id', 'desc')
    .execute();
}
