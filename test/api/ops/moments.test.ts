import { expect, test } from 'vitest';
import { distinctSeconds } from '../../../src/api/ops/moments.ts';

test('who begins in a second that is taken gets the next, and the clock catches up', () => {
  const times = ['05.100', '05.900', '05.950', '06.000', '20.250'];
  const moment = distinctSeconds(() => new Date(`2026-01-02T03:04:${times.shift() ?? ''}Z`));
  const given = Array.from({ length: 5 }, () => moment().toISOString().slice(17));
  expect(given).toEqual(['05.100Z', '06.000Z', '07.000Z', '08.000Z', '20.250Z']);
});

test('a clock that goes back gives no second twice', () => {
  const times = ['05.000', '04.000'];
  const moment = distinctSeconds(() => new Date(`2026-01-02T03:04:${times.shift() ?? ''}Z`));
  expect([moment(), moment()].map((one) => one.getUTCSeconds())).toEqual([5, 6]);
});
