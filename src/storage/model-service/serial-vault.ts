import { sql } from 'kysely';
import type { Queries } from '../database.ts';

/** A serial that another service signed, as its log tells. */
export interface ForeignSerial {
  readonly model: string;
  readonly serial: string;
  readonly deviceKeyId: string;
  readonly revision: number;
  readonly signedAt: string;
}

const REASON = 'serial-vault';
const CHUNK = 250;

/** Takes over what another service signed; an entry that is there already stays. @returns how many were new */
export async function addForeignSerials(
  queries: Queries,
  brandId: string,
  serials: readonly ForeignSerial[],
  by: { readonly actor: string; readonly at: Date },
): Promise<number> {
  let added = 0;
  for (let at = 0; at < serials.length; at += CHUNK) {
    const chunk = serials.slice(at, at + CHUNK);
    const known = await queries
      .selectFrom('SerialHistory')
      .select(['modelName', 'serial', 'deviceKeyId'])
      .where('brandId', '=', brandId)
      .where('reason', '=', REASON)
      .where('modelName', 'in', [...new Set(chunk.map(({ model }) => model))])
      .where('serial', 'in', [...new Set(chunk.map(({ serial }) => serial))])
      .execute();
    const seen = new Set(known.map((row) => `${row.modelName}/${row.serial}/${row.deviceKeyId}`));
    const fresh = chunk.filter((one) => {
      const key = `${one.model}/${one.serial}/${one.deviceKeyId}`;
      const isNew = !seen.has(key);
      seen.add(key);
      return isNew;
    });
    if (fresh.length === 0) continue;
    await queries
      .insertInto('SerialHistory')
      .values(
        fresh.map((one) => ({
          brandId,
          modelName: one.model,
          serial: one.serial,
          deviceKeyId: one.deviceKeyId,
          signKeyId: null,
          draftId: null,
          signedAt: null,
          apiKeyName: null,
          sourceAddress: null,
          serialRequest: null,
          reason: REASON,
          createdAt: one.signedAt,
          endedAt: by.at.toISOString(),
          endedBy: by.actor,
          revision: one.revision,
          serialAssertion: null,
        })),
      )
      .execute();
    added += fresh.length;
  }
  return added;
}

/** Whether a brand took over the log of another service at all: most did not, and are spared a look-up per device. */
export async function hasForeignSerials(queries: Queries, brandId: string): Promise<boolean> {
  const row = await queries
    .selectFrom('SerialHistory')
    .select('id')
    .where('brandId', '=', brandId)
    .where('reason', '=', REASON)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** A serial that another service signed for a device key. */
export interface ForeignIdentity {
  readonly modelName: string;
  readonly serial: string;
  readonly deviceKeyId: string;
  readonly revision: number;
}

/** Whom another service signed a serial for; the last entry is the newest. */
export async function foreignHolders(
  queries: Queries,
  of: { readonly brandId: string; readonly modelName: string; readonly serial: string },
): Promise<ForeignIdentity[]> {
  return identities(queries, of.brandId)
    .where('modelName', '=', of.modelName)
    .where('serial', '=', of.serial)
    .execute();
}

/** What another service signed for a device key, in all models of the brand; the last entry is the newest. */
export async function foreignIdentities(
  queries: Queries,
  of: { readonly brandId: string; readonly deviceKeyId: string },
): Promise<ForeignIdentity[]> {
  return identities(queries, of.brandId).where('deviceKeyId', '=', of.deviceKeyId).execute();
}

function identities(queries: Queries, brandId: string) {
  return queries
    .selectFrom('SerialHistory')
    .select(['modelName', 'serial', 'deviceKeyId', sql<number>`coalesce(revision, 0)`.as('revision')])
    .where('brandId', '=', brandId)
    .where('reason', '=', REASON)
    .orderBy('createdAt')
    .orderBy('id');
}
