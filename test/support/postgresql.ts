import { spawnSync } from 'node:child_process';
import { sql } from 'kysely';
import { inject, onTestFinished } from 'vitest';
import type { Database } from '../../src/storage/index.ts';
import { PATH } from './postgresql-service.ts';

/** Whether this machine has the programs of a PostgreSQL server; the tests that need one are skipped where not. */
export const hasPostgreSql =
  spawnSync('initdb', ['--version'], { env: { ...process.env, PATH } }).status === 0;

/** An empty PostgreSQL database of the test's own, removed when the test is over. */
export async function temporaryPostgreSql(): Promise<string> {
  const { url, remove } = await newPostgreSql();
  onTestFinished(remove);
  return url;
}

/** The same for whoever removes it: tests that share one. */
export async function newPostgreSql(): Promise<{
  readonly url: string;
  readonly remove: () => Promise<void>;
}> {
  const service = inject('postgresqlService');
  const url = await textOf(await fetch(service, { method: 'POST' }));
  const { pathname } = new URL(url);
  return {
    url,
    remove: async () => void (await textOf(await fetch(service + pathname, { method: 'DELETE' }))),
  };
}

async function textOf(answer: Response): Promise<string> {
  const text = await answer.text();
  if (!answer.ok) throw new Error(`the test's PostgreSQL server: ${text}`);
  return text;
}

/** Resolves once some connection of the database waits for a lock of another one. */
export async function someoneWaits({ queries }: Pick<Database, 'queries'>): Promise<'waits'> {
  for (;;) {
    const { rows } = await sql`
      select 1 from pg_locks join pg_stat_activity using (pid)
      where not granted and datname = current_database()`.execute(queries);
    if (rows.length > 0) return 'waits';
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
