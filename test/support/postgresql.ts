import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { sql } from 'kysely';
import { onTestFinished } from 'vitest';
import type { Database } from '../../src/storage/index.ts';
import { freePort } from './free-port.ts';

const PATH = [
  process.env['PATH'],
  ...[17, 16, 15, 14].map((major) => `/usr/lib/postgresql/${major}/bin`),
].join(delimiter);

/** Whether this machine has the programs of a PostgreSQL server; the tests that need one are skipped where not. */
export const hasPostgreSql =
  spawnSync('initdb', ['--version'], { env: { ...process.env, PATH } }).status === 0;

/** A PostgreSQL cluster of the test's own, on a free loopback port, stopped and removed when the test is over. */
export async function temporaryPostgreSql(): Promise<string> {
  const { url, remove } = await startPostgreSql();
  onTestFinished(remove);
  return url;
}

/** The same for whoever removes it: tests that share one. */
export async function startPostgreSql(): Promise<{ readonly url: string; readonly remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'airlock-postgresql-'));
  const data = join(folder, 'data');
  const port = await freePort();
  // PostgreSQL refuses to run as root: root's tests give the cluster to an account without rights.
  const asRoot = userInfo().uid === 0;
  if (asRoot) chownSync(folder, 65534, 65534);
  const run = (program: string, arguments_: readonly string[]) =>
    execFileSync(
      asRoot ? 'setpriv' : program,
      [...(asRoot ? ['--reuid=65534', '--regid=65534', '--clear-groups', program] : []), ...arguments_],
      { env: { ...process.env, PATH }, stdio: 'ignore' },
    );
  run('initdb', ['-D', data, '-A', 'trust', '-U', 'airlock', '--no-sync']);
  run('pg_ctl', [
    '-D',
    data,
    '-w',
    '-l',
    join(folder, 'log'),
    '-o',
    `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1`,
    'start',
  ]);
  return {
    url: `postgresql://airlock@127.0.0.1:${port}/postgres`,
    remove: () => {
      run('pg_ctl', ['-D', data, '-m', 'immediate', 'stop']);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves once some connection waits for a lock of another one. */
export async function someoneWaits({ queries }: Pick<Database, 'queries'>): Promise<'waits'> {
  for (;;) {
    const { rows } = await sql`select 1 from pg_locks where not granted`.execute(queries);
    if (rows.length > 0) return 'waits';
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
