import { z } from 'zod';
import type { Queries } from '../storage/index.ts';
import type { ImportOutcome } from '../workflows/import-contract.ts';

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
