import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openDatabase, type Database } from '../../src/storage/index.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A real database file of the test's own, closed and removed when the test is over. */
export async function temporaryDatabase(): Promise<Database> {
  const database = await openDatabase({ file: join(await temporaryFolder(), 'database.sqlite') });
  onTestFinished(() => database.close());
  return database;
}
