import { expect, test } from 'vitest';
import { Keeping } from '../../src/bundles/keeping.ts';

test('of two members that fail, the one that came first is told, whichever is found out first', async () => {
  const keeping = new Keeping();
  const slow = Promise.withResolvers<void>();
  keeping.begin('first', () => slow.promise);
  keeping.begin('second', () => Promise.reject(new Error('second')));
  const told = keeping.firstFailure();
  slow.reject(new Error('first'));
  expect(await told).toMatchObject({ message: 'first' });
  await expect(keeping.finish()).rejects.toThrow('first');
});

test('nothing more is read once a member has failed', async () => {
  const keeping = new Keeping();
  keeping.begin('one', () => Promise.reject(new Error('one')));
  await keeping.firstFailure();
  await expect(keeping.room('another')).rejects.toThrow('one');
});
