import type { Queries } from './database.ts';

/** One act, as it is kept: details never hold a secret. */
export interface Act {
  readonly at: Date;
  /** Account id, `operator`, or the name of the process that acted by itself. */
  readonly actor: string;
  /** A verb and its object: `serial.sign`, `store.import`, `key.create`. */
  readonly act: string;
  readonly subject: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Appends an act. Call it in the transaction of the act itself, so that nothing happens without its entry. */
export async function appendAct(queries: Queries, act: Act): Promise<void> {
  await queries
    .insertInto('AuditEntry')
    .values({
      at: act.at.toISOString(),
      actor: act.actor,
      act: act.act,
      subject: act.subject,
      details: { ...act.details },
    })
    .execute();
}

/** The newest acts first, at most `limit`, older than entry `before` where that is given. */
export async function listActs(
  queries: Queries,
  options: { readonly limit: number; readonly before?: number },
) {
  let query = queries.selectFrom('AuditEntry').selectAll().orderBy('id', 'desc').limit(options.limit);
  if (options.before !== undefined) query = query.where('id', '<', options.before);
  return query.execute();
}
