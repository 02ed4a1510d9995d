/** A process that takes the lock `a` of a database file, says so, and holds it while its parent lives. */
import { once } from 'node:events';
import { openDatabase, withLock } from '../../src/storage/index.ts';

const database = await openDatabase({ file: process.argv[2] ?? '' });
await withLock(database, 'a', async () => {
  process.send?.('taken');
  await once(process, 'disconnect');
});
