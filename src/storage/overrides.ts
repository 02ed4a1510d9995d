import { ANY_ARCHITECTURE } from '../snaps/index.ts';
import { appendAct } from './audit-log.ts';
import type { Database, Queries } from './database.ts';
import { raiseGeneration } from './generations.ts';

/** An override as it is kept: what devices of one architecture get from one channel of a snap. */
export interface OverrideRow {
  readonly snapName: string;
  readonly snapId: string | null;
  /** Full name, such as latest/stable. */
  readonly channel: string;
  readonly architecture: string;
  readonly revision: number;
  /** What the channel held when the override was set. */
  readonly upstreamRevision: number | null;
  readonly changedAt: string;
}

/** What is to become of a channel of a snap. */
export interface OverrideChange {
  readonly snapName: string;
  readonly channel: string;
  /** The new ones; those of other architectures stay. Undefined takes all of the channel away. */
  readonly rows: readonly OverrideRow[] | undefined;
}

/** The overrides of one snap or of all, in the order in which they are listed. */
export async function overrideRows(queries: Queries, snap?: string): Promise<readonly OverrideRow[]> {
  let query = queries.selectFrom('ChannelOverride').selectAll();
  if (snap !== undefined) query = query.where('snapName', '=', snap);
  return query.orderBy('snapName').orderBy('channel').orderBy('architecture').execute();
}

/** Makes changes to overrides, all of them or none; devices get what they say from their next request on. */
export async function changeOverrides(
  database: Database,
  changes: readonly OverrideChange[],
  { actor, at }: { readonly actor: string; readonly at: Date },
): Promise<void> {
  await database.transaction(async (queries) => {
    for (const { snapName, channel, rows } of changes) {
      let gone = queries
        .deleteFrom('ChannelOverride')
        .where('snapName', '=', snapName)
        .where('channel', '=', channel);
      const architectures = rows?.map(({ architecture }) => architecture);
      // A revision for all architectures takes the place of those for single ones.
      if (architectures !== undefined && !architectures.includes(ANY_ARCHITECTURE))
        gone = gone.where('architecture', 'in', architectures);
      await gone.execute();
      if (rows !== undefined)
        await queries
          .insertInto('ChannelOverride')
          .values([...rows])
          .execute();
      await appendAct(queries, {
        at,
        actor,
        act: rows === undefined ? 'override.remove' : 'override.set',
        subject: `${snapName} ${channel}`,
        details: { revision: rows?.[0]?.revision ?? null, ...(architectures && { architectures }) },
      });
    }
    await raiseGeneration(queries, 'catalog');
  });
}
