import { fork } from 'node:child_process';
import { BackupError } from './errors.ts';
import { sqliteReply, type SqliteFindings, type SqliteRequest } from './sqlite-protocol.ts';

/**
 * Copies a SQLite database that is in use: the state of one moment, in one file.
 * @param forget settings whose keys begin with this are left out
 */
export async function copySqlite(
  from: string,
  to: string,
  options: { readonly forget?: string; readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const { forget, signal } = options;
  await ask({ act: 'copy', from, to, ...(forget !== undefined && { forget }) }, signal);
}

/** Opens a copy for reading alone, and looks whether it is sound. */
export async function checkSqlite(
  file: string,
  options: { readonly airlock: boolean; readonly signal?: AbortSignal | undefined },
): Promise<SqliteFindings> {
  const { findings } = await ask({ act: 'check', file, airlock: options.airlock }, options.signal);
  if (findings) return findings;
  throw new TypeError('internal error: no findings');
}

async function ask(request: SqliteRequest, signal: AbortSignal | undefined) {
  const child = fork(new URL('./sqlite-child.ts', import.meta.url), [], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: process.env['TMPDIR'] },
    serialization: 'advanced',
    ...(signal && { signal }),
  });
  const message = await new Promise<unknown>((resolve, reject) => {
    child.once('message', resolve);
    child.once('error', reject);
    child.once('exit', (code, by) => reject(new Error(`its process ended with ${by ?? String(code)}`)));
    child.send(request, (error) => error && reject(error));
  }).catch((cause: unknown) => {
    signal?.throwIfAborted();
    throw unsound(request, cause instanceof Error ? cause.message : String(cause));
  });
  const reply = sqliteReply.parse(message);
  if (reply.problem !== undefined) throw unsound(request, reply.problem);
  return reply;
}

function unsound(request: SqliteRequest, why: string): BackupError {
  return request.act === 'copy'
    ? new BackupError('backup-source-changed', `cannot copy ${request.from}: ${why}`)
    : new BackupError('backup-database-unsound', `cannot use the database in the backup: ${why}`);
}
