import type { BlockKind } from '../../devices/index.ts';
import type { Queries } from '../database.ts';
import { raiseGeneration } from '../generations.ts';

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
  const ids = (table: 'SerialIntent' | 'Device') => queries.selectFrom(table).select('id').limit(1);
  const found = [];
  switch (kind) {
    case 'model':
      found.push(
        await queries
          .selectFrom('Model')
          .select('id')
          .where('brandId', '=', brandId)
          .where('name', '=', subject)
          .executeTakeFirst(),
      );
      for (const table of ['SerialIntent', 'Device'] as const)
        found.push(
          await ids(table).where('brandId', '=', brandId).where('modelName', '=', subject).executeTakeFirst(),
        );
      break;
    case 'serial':
      for (const table of ['SerialIntent', 'Device'] as const)
        found.push(
          await ids(table)
            .where('brandId', '=', brandId)
            .where('modelName', '=', modelName)
            .where('serial', '=', name)
            .executeTakeFirst(),
        );
      break;
    case 'device-key':
      for (const table of ['SerialIntent', 'Device'] as const)
        found.push(
          await ids(table)
            .where('brandId', '=', brandId)
            .where('deviceKeyId', '=', subject)
            .executeTakeFirst(),
        );
      break;
    case 'api-key':
      found.push(
        await queries
          .selectFrom('ApiKey')
          .select('id')
          .where('brandId', '=', brandId)
          .where('modelName', '=', modelName)
          .where('name', '=', name)
          .where('revokedAt', 'is', null)
          .executeTakeFirst(),
      );
      break;
    case 'session':
      // Sessions of devices are signed, and kept nowhere.
      return true;
    default:
      return kind satisfies never;
  }
  return found.some((row) => row !== undefined);
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
