import { z } from 'zod';
import type { Queries } from '../../storage/index.ts';
import type { ImportOutcome, RemovalOutcome } from '../../workflows/import-contract.ts';

const outcomeSchema = z.object({
  kind: z.enum(['store', 'snap', 'snap-pair', 'store-metadata', 'account-keys']),
  digest: z.string(),
  store: z.string().nullable(),
  exporter: z.string().nullable(),
  unchanged: z.boolean(),
  snaps: z.array(
    z.object({
      name: z.string(),
      revision: z.number(),
      new: z.boolean(),
      channels: z.array(z.string()),
      channelsMoved: z.boolean().default(false),
    }),
  ),
  stores: z.array(z.string()),
  accountKeys: z.array(z.string()),
  admin: z.object({ accountId: z.string(), email: z.string() }).nullable(),
  exporterPinned: z.boolean(),
  awaited: z.object({ names: z.array(z.string()), more: z.number() }).default({ names: [], more: 0 }),
  changes: z.object({ new: z.number(), updated: z.number(), removed: z.number() }),
});
const summarySchema = z.object({ runId: z.string(), outcome: outcomeSchema });

/**
 * What the newest standing import of this content did: of one run of its workflow, or of one untouched file.
 */
export async function importSummary(
  queries: Queries,
  digest: string,
  runId?: string,
  fileIdentity?: string,
): Promise<ImportOutcome | undefined> {
  let query = queries
    .selectFrom('ImportRecord')
    .select('summary')
    .where('digest', '=', digest)
    .where('outcome', '=', 'imported');
  if (fileIdentity !== undefined) query = query.where('fileIdentity', '=', fileIdentity);
  const row = await query.orderBy('id', 'desc').limit(1).executeTakeFirst();
  if (row === undefined) return undefined;
  const summary = summarySchema.parse(row.summary);
  return runId === undefined || summary.runId === runId ? summary.outcome : undefined;
}

const removalSchema = z.object({
  runId: z.string(),
  outcome: z.object({
    applied: z.boolean(),
    items: z.array(z.object({ name: z.string(), revision: z.number(), bytes: z.number() })),
    freedBytes: z.number(),
    keptBytes: z.number(),
    past: z
      .object({
        upToId: z.number(),
        acts: z.number(),
        items: z.array(z.object({ subject: z.string(), bytes: z.number() })),
      })
      .nullable(),
  }),
});
/** How many removals may come in between two attempts of one. */
const RECENT = 20;

/** What one run of a removal's workflow did, when it did it already. */
export async function removalSummary(queries: Queries, runId: string): Promise<RemovalOutcome | undefined> {
  const rows = await queries
    .selectFrom('ImportRecord')
    .select('summary')
    .where('kind', 'in', ['removal', 'prune'])
    .orderBy('id', 'desc')
    .limit(RECENT)
    .execute();
  return rows.map(({ summary }) => removalSchema.parse(summary)).find((done) => done.runId === runId)
    ?.outcome;
}
