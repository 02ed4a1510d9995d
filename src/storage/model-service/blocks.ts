import type { BlockKind } from '../../devices/index.ts';
import type { Queries } from '../database.ts';
import { raiseGeneration } from '../generations.ts';
import { findModel, listApiKeys } from './models.ts';

/** A block as it is listed. */
export interface BlockRecord {
  readonly kind: string;
  readonly brandId: string;
  readonly subject: string;
  readonly reason: string;
  readonly createdAt: string;
  readonly createdBy: string;
}

const COLUMNS = ['kind', 'brandId', 'subject', 'reason', 'createdAt', 'createdBy'] as const;

/** Those of the given brands that have any block. */
export async function brandsWithBlocks(queries: Queries, brandIds: readonly string[]): Promise<string[]> {
  const rows = await queries
    .selectFrom('Block')
    .select('brandId')
    .distinct()
    .where('brandId', 'in', brandIds)
    .execute();
  return rows.map(({ brandId }) => brandId);
}

/** The blocks of the given brands on any of the given subjects, of every kind. */
export async function blocksOn(
  queries: Queries,
  brandIds: readonly string[],
  subjects: readonly string[],
): Promise<BlockRecord[]> {
  return queries
    .selectFrom('Block')
    .select(COLUMNS)
    .where('brandId', 'in', brandIds)
    .where('subject', 'in', subjects)
    .execute();
}

/** All blocks of a brand, newest first. */
export async function listBlocks(queries: Queries, brandId: string): Promise<BlockRecord[]> {
  return queries
    .selectFrom('Block')
    .select(COLUMNS)
    .where('brandId', '=', brandId)
    .orderBy('id', 'desc')
    .execute();
}

/** Blocks, effective at the next request of any process. A block that is there keeps its reason. */
export async function addBlock(queries: Queries, block: BlockRecord): Promise<void> {
  await queries
    .insertInto('Block')
    .values(block)
    .onConflict((conflict) => conflict.columns(['kind', 'brandId', 'subject']).doNothing())
    .execute();
  await raiseGeneration(queries, 'revocations');
}

/**
 * Whether anything here has what a block names: a registered model, an issued serial, a device that was here. A block on
 * what is not known counts all the same, for those to come.
 */
export async function blockedIsKnown(
  queries: Queries,
  {
    kind,
    brandId,
    subject,
  }: { readonly kind: BlockKind; readonly brandId: string; readonly subject: string },
): Promise<boolean> {
  const [modelName = '', ...rest] = subject.split('/');
  const name = rest.join('/');
  switch (kind) {
    case 'model':
      return (
        (await findModel(queries, brandId, subject)) !== undefined ||
        (await deviceIsKnown(queries, { brandId, modelName: subject }))
      );
    case 'serial':
      return deviceIsKnown(queries, { brandId, modelName, serial: name });
    case 'device-key':
      return deviceIsKnown(queries, { brandId, deviceKeyId: subject });
    case 'api-key':
      return (await listApiKeys(queries, brandId, modelName)).some((key) => key.name === name);
    case 'session':
      // Sessions of devices are signed, and kept nowhere.
      return true;
    default:
      return kind satisfies never;
  }
}

/** Whether a serial was promised to such a device, or one was here. */
async function deviceIsKnown(
  queries: Queries,
  of: {
    readonly brandId: string;
    readonly modelName?: string;
    readonly serial?: string;
    readonly deviceKeyId?: string;
  },
): Promise<boolean> {
  for (const table of ['SerialIntent', 'Device'] as const) {
    let query = queries.selectFrom(table).select('id').where('brandId', '=', of.brandId).limit(1);
    if (of.modelName !== undefined) query = query.where('modelName', '=', of.modelName);
    if (of.serial !== undefined) query = query.where('serial', '=', of.serial);
    if (of.deviceKeyId !== undefined) query = query.where('deviceKeyId', '=', of.deviceKeyId);
    if ((await query.executeTakeFirst()) !== undefined) return true;
  }
  return false;
}

/** @returns false when there was no such block */
export async function removeBlock(
  queries: Queries,
  block: Pick<BlockRecord, 'kind' | 'brandId' | 'subject'>,
): Promise<boolean> {
  const result = await queries
    .deleteFrom('Block')
    .where('kind', '=', block.kind)
    .where('brandId', '=', block.brandId)
    .where('subject', '=', block.subject)
    .executeTakeFirst();
  await raiseGeneration(queries, 'revocations');
  return Number(result.numDeletedRows) === 1;
}
