import type { KeyBounds } from '../../assertions/index.ts';
import type { Queries } from '../database.ts';

/** A key pair on the HSM; `keyId` and what follows are null until the HSM made it. */
export interface SigningKeyRecord {
  readonly hsmKeyId: string;
  /** The HSM token that holds it, by its name in the settings. */
  readonly token: string;
  readonly brandId: string;
  readonly name: string;
  readonly keyId: string | null;
  readonly publicKey: string | null;
  readonly fingerprint: string | null;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly modifiedAt: string | null;
  readonly modifiedBy: string | null;
  readonly registrationRequestedAt: string | null;
  /** What its account-key-request asks for, or will; null: nothing. */
  readonly bounds: KeyBounds | null;
  readonly signatures: number;
}

const COLUMNS = [
  'hsmKeyId',
  'token',
  'brandId',
  'name',
  'keyId',
  'publicKey',
  'fingerprint',
  'createdAt',
  'createdBy',
  'modifiedAt',
  'modifiedBy',
  'registrationRequestedAt',
  'bounds',
  'signatures',
] as const;

/** The signing keys of a brand, oldest first, unfinished ones included. */
export async function listSigningKeys(queries: Queries, brandId: string): Promise<SigningKeyRecord[]> {
  return queries
    .selectFrom('SigningKey')
    .select(COLUMNS)
    .where('brandId', '=', brandId)
    .orderBy('createdAt')
    .orderBy('hsmKeyId')
    .execute();
}

/** Every signing key of the service: what a request path keeps in memory. */
export async function allSigningKeys(queries: Queries): Promise<SigningKeyRecord[]> {
  return queries.selectFrom('SigningKey').select(COLUMNS).execute();
}

/** A signing key by its name within the brand. */
export async function findSigningKeyByName(
  queries: Queries,
  brandId: string,
  name: string,
): Promise<SigningKeyRecord | undefined> {
  return queries
    .selectFrom('SigningKey')
    .select(COLUMNS)
    .where('brandId', '=', brandId)
    .where('name', '=', name)
    .executeTakeFirst();
}

/** A signing key by its SHA3-384, of whichever brand. */
export async function findSigningKey(queries: Queries, keyId: string): Promise<SigningKeyRecord | undefined> {
  return queries.selectFrom('SigningKey').select(COLUMNS).where('keyId', '=', keyId).executeTakeFirst();
}

/** Reserves a name and a CKA_ID before the HSM is asked. @returns the row that holds the name afterwards */
export async function reserveSigningKey(
  queries: Queries,
  key: Pick<SigningKeyRecord, 'hsmKeyId' | 'token' | 'brandId' | 'name' | 'createdAt' | 'createdBy'> & {
    readonly bounds?: KeyBounds | undefined;
  },
): Promise<SigningKeyRecord> {
  await queries
    .insertInto('SigningKey')
    .values({
      hsmKeyId: key.hsmKeyId,
      token: key.token,
      brandId: key.brandId,
      name: key.name,
      createdAt: key.createdAt,
      createdBy: key.createdBy,
      keyId: null,
      publicKey: null,
      fingerprint: null,
      modifiedAt: null,
      modifiedBy: null,
      registrationRequestedAt: null,
      bounds: key.bounds ?? null,
      signatures: 0,
    })
    .onConflict((conflict) => conflict.columns(['brandId', 'name']).doNothing())
    .execute();
  return queries
    .selectFrom('SigningKey')
    .select(COLUMNS)
    .where('brandId', '=', key.brandId)
    .where('name', '=', key.name)
    .executeTakeFirstOrThrow();
}

/** Records what the HSM made. A repeat changes nothing. */
export async function completeSigningKey(
  queries: Queries,
  hsmKeyId: string,
  made: { readonly keyId: string; readonly publicKey: string; readonly fingerprint: string },
): Promise<void> {
  await queries.updateTable('SigningKey').set(made).where('hsmKeyId', '=', hsmKeyId).execute();
}

/**
 * In a transaction: begins the registration of a key, unless one was begun, and so settles what its account-key-request will ask for: what
 * the key was made with, and the given bounds in place of those.
 * @returns false when one was begun before: then nothing changed
 */
export async function beginRegistration(
  queries: Queries,
  keyId: string,
  bounds: KeyBounds,
  by: { readonly at: Date; readonly actor: string },
): Promise<boolean> {
  const at = by.at.toISOString();
  // First, because it locks the row: what is read after it is what others have left.
  const result = await queries
    .updateTable('SigningKey')
    .set({ registrationRequestedAt: at, modifiedAt: at, modifiedBy: by.actor })
    .where('keyId', '=', keyId)
    .where('registrationRequestedAt', 'is', null)
    .executeTakeFirst();
  if (Number(result.numUpdatedRows) !== 1) return false;
  if (Object.keys(bounds).length === 0) return true;
  const present = await findSigningKey(queries, keyId);
  await queries
    .updateTable('SigningKey')
    .set({ bounds: { ...present?.bounds, ...bounds } })
    .where('keyId', '=', keyId)
    .execute();
  return true;
}

/** Notes that the account-key-request of a key was made. */
export async function noteRegistrationRequest(
  queries: Queries,
  keyId: string,
  by: { readonly at: Date; readonly actor: string },
): Promise<void> {
  const at = by.at.toISOString();
  await queries
    .updateTable('SigningKey')
    .set({ registrationRequestedAt: at, modifiedAt: at, modifiedBy: by.actor })
    .where('keyId', '=', keyId)
    .execute();
}

/** Forgets a signing key; the key on the HSM is deleted by whoever may talk to it. */
export async function removeSigningKey(queries: Queries, hsmKeyId: string): Promise<void> {
  await queries.deleteFrom('SigningKey').where('hsmKeyId', '=', hsmKeyId).execute();
}

/** The names of the models, of any brand, whose policy in force names the key. */
export async function modelsUsingKey(queries: Queries, keyId: string): Promise<string[]> {
  return (await modelsByKey(queries)).get(keyId) ?? [];
}

/** Whether some policy names the key, or did: one that is deleted or that another followed counts too. */
export async function wasInPolicy(queries: Queries, keyId: string): Promise<boolean> {
  const row = await queries
    .selectFrom('SerialPolicy')
    .select('revision')
    .where('keyId', '=', keyId)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** A signing key of this service that policies in force name, and the names of their models. */
export interface KeyInForce extends Pick<SigningKeyRecord, 'hsmKeyId' | 'token' | 'brandId' | 'name'> {
  readonly keyId: string;
  readonly models: readonly string[];
}

/** Every signing key that some policy in force names. */
export async function keysInForce(queries: Queries): Promise<KeyInForce[]> {
  const users = await modelsByKey(queries);
  const keys = await queries
    .selectFrom('SigningKey')
    .select(['hsmKeyId', 'token', 'brandId', 'name', 'keyId'])
    .orderBy('createdAt')
    .orderBy('hsmKeyId')
    .execute();
  return keys.flatMap(({ keyId, ...key }) => {
    const models = keyId === null ? undefined : users.get(keyId);
    return keyId === null || models === undefined ? [] : [{ ...key, keyId, models }];
  });
}

/** The models by the key that their policy in force names. */
async function modelsByKey(queries: Queries): Promise<ReadonlyMap<string, string[]>> {
  const rows = await queries
    .selectFrom('SerialPolicy')
    .select(['brandId', 'modelName', 'keyId'])
    .where('deletedAt', 'is', null)
    .orderBy('revision')
    .execute();
  // The last revision of each model is the one in force.
  const inForce = new Map(rows.map((row) => [`${row.brandId}/${row.modelName}`, row]));
  const models = new Map<string, string[]>();
  for (const { keyId, modelName } of inForce.values())
    models.set(keyId, [...(models.get(keyId) ?? []), modelName].toSorted());
  return models;
}

/** Ends the policy revisions, none of them in force, that name a key which goes away. */
export async function endPoliciesOfKey(queries: Queries, keyId: string, at: Date): Promise<void> {
  await queries
    .updateTable('SerialPolicy')
    .set({ deletedAt: at.toISOString() })
    .where('keyId', '=', keyId)
    .where('deletedAt', 'is', null)
    .execute();
}
