import { expressionBuilder, sql } from 'kysely';
import type { Queries, Schema } from './database.ts';

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

/** Which acts are wanted; all where nothing is said. */
export interface ActFilter {
  /** Older than this entry. */
  readonly before?: number | undefined;
  /** An act, or the object that several are about: `serial` for all that begin with `serial.`. */
  readonly act?: string | undefined;
  readonly actor?: string | undefined;
  /** The subject, or what stands before a slash in it: a brand for all of its models. */
  readonly subject?: string | undefined;
  /** At or after. */
  readonly since?: Date | undefined;
  /** Before. */
  readonly until?: Date | undefined;
}

/** The newest acts first, at most `limit`. */
export async function listActs(queries: Queries, options: ActFilter & { readonly limit: number }) {
  const { before, act, actor, subject, since, until, limit } = options;
  let query = queries.selectFrom('AuditEntry').selectAll().orderBy('id', 'desc').limit(limit);
  if (before !== undefined) query = query.where('id', '<', before);
  if (actor !== undefined) query = query.where('actor', '=', actor);
  if (since !== undefined) query = query.where('at', '>=', since.toISOString());
  if (until !== undefined) query = query.where('at', '<', until.toISOString());
  if (act !== undefined) query = query.where(startsWith('act', act, '.'));
  if (subject !== undefined) query = query.where(startsWith('subject', subject, '/'));
  return query.execute();
}

/** The very text, or the text and a separator in front of more. No pattern: the text may hold any character. */
function startsWith(column: 'act' | 'subject', text: string, separator: string) {
  const front = `${text}${separator}`;
  const eb = expressionBuilder<Schema, 'AuditEntry'>();
  return eb.or([
    eb(column, '=', text),
    eb(sql`substr(${eb.ref(column)}, 1, ${sql.lit(front.length)})`, '=', front),
  ]);
}
