import { expect, test } from 'vitest';
import { namingFullDisk } from '../../../src/api/ops/full-disk.ts';
import { AirlockError } from '../../../src/errors.ts';

const away = new AirlockError('unavailable', 'temporal-unreachable', 'cannot reach the Temporal server');

test('who finds no Temporal server is told of a full disk, and of that alone', async () => {
  expect(await namingFullDisk(away, async () => 4096)).toMatchObject({
    kind: 'unavailable',
    code: 'disk-full',
    message: 'cannot reach the Temporal server, and the disk is full: make room',
  });
  expect(await namingFullDisk(away, async () => 2 ** 30)).toBe(away);
  const other = new AirlockError('not-found', 'snap-unknown', 'cannot find it');
  expect(await namingFullDisk(other, async () => 0)).toBe(other);
});
