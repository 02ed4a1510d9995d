import { expect, test } from 'vitest';

import { appendAct, listActs } from '../../src/storage/index.ts';
import { temporaryDatabase } from '../support/database.ts';

test.each([{}, { a: 1 }, { kind: 'serial', reason: 'stolen' }, { kind: 'ValueNode', nested: { kind: 'x' } }])(
  'a JSON column gives back what was put in: %j',
  async (details) => {
    const database = await temporaryDatabase();
    const act = { at: new Date(), actor: 'operator', act: 'block', subject: 'x', details };
    await database.transaction((queries) => appendAct(queries, act));
    expect((await listActs(database.queries, { limit: 1 }))[0]?.details).toEqual(details);
  },
);
