/**
 * A process that lives for one look at one SQLite file: to copy it while others write to it, or to check a copy. It is a
 * process of its own because the locks of SQLite belong to a process: closing a file here must not end the server's own.
 */
import { backup, DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { sqliteRequest, type SqliteFindings } from './sqlite-protocol.ts';

const BUSY_MS = 30_000;
/** All pages in one step: a copy of one moment, that no writer makes begin anew. */
const ALL_PAGES = 2 ** 31 - 1;

process.once('message', (message: unknown) => {
  void answer(message).then((reply) => process.send?.(reply, undefined, undefined, () => process.exit(0)));
});
process.on('disconnect', () => process.exit(0));

async function answer(message: unknown): Promise<object> {
  try {
    const request = sqliteRequest.parse(message);
    switch (request.act) {
      case 'copy':
        await copy(request);
        return {};
      case 'check':
        return { findings: check(request) };
      default:
        return request satisfies never;
    }
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

async function copy({ from, to, forget }: z.infer<typeof sqliteRequest> & { act: 'copy' }): Promise<void> {
  const source = new DatabaseSync(from, { readOnly: true, timeout: BUSY_MS });
  await backup(source, to, { rate: ALL_PAGES });
  source.close();
  const target = new DatabaseSync(to);
  // One file with nothing beside it.
  target.exec('pragma journal_mode=delete');
  if (forget !== undefined)
    target.prepare('delete from setting where substr(key, 1, length(?)) = ?').run(forget, forget);
  target.close();
}

function check({ file, airlock }: z.infer<typeof sqliteRequest> & { act: 'check' }): SqliteFindings {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const problems = z
      .array(z.object({ integrity_check: z.string() }))
      .parse(database.prepare('pragma integrity_check(10)').all())
      .map((row) => row.integrity_check)
      .filter((line) => line !== 'ok');
    if (!airlock || problems.length > 0) return { problems, secrets: [], blobs: [] };
    return {
      problems,
      secrets: z
        .array(z.object({ key: z.string(), value: z.string() }))
        .parse(database.prepare('select key, value from setting where sealed = 1').all()),
      blobs: z
        .array(z.object({ digest: z.string() }))
        .parse(database.prepare(blobQuery(database)).all())
        .map((row) => row.digest),
    };
  } finally {
    database.close();
  }
}

/** Every blob that a row names. A delta of size 0 says that none pays, and has no file; backups of old have no undo_blob. */
function blobQuery(database: DatabaseSync): string {
  const kept = database
    .prepare("select name from sqlite_master where type = 'table' and name = 'undo_blob'")
    .all();
  return [
    'select sha3_384 as digest from snap_revision',
    'select sha3_384 from delta where size > 0',
    'select sha3_384 from snap_resource',
    ...(kept.length > 0 ? ['select sha3_384 from undo_blob'] : []),
  ].join(' union ');
}
