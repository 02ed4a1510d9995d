import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { failureOf as failureOfStep } from '../src/activities/errors.ts';
import { clientError, isUnforeseen } from '../src/api/errors.ts';
import { failureOf as failureOfCommand } from '../src/cli/errors.ts';
import { AirlockError } from '../src/errors.ts';
import { systemFailure } from '../src/system-failures.ts';
import { freePort } from './support/free-port.ts';

const failing = (code: string, more: object = {}) =>
  Object.assign(new Error('as it comes'), { code, ...more });

describe('what a disk or a database fails with is put into words', () => {
  test.each([
    ['ENOSPC', 'disk-full'],
    ['EDQUOT', 'disk-full'],
    ['SQLITE_FULL', 'disk-full'],
    ['53100', 'disk-full'],
    ['EROFS', 'disk-read-only'],
    ['SQLITE_READONLY_DBMOVED', 'disk-read-only'],
    ['EIO', 'disk-failing'],
    ['SQLITE_IOERR_WRITE', 'disk-failing'],
    ['EMFILE', 'files-exhausted'],
    ['SQLITE_BUSY', 'database-unavailable'],
    ['53300', 'database-unavailable'],
    ['57P01', 'database-unavailable'],
    ['08006', 'database-unavailable'],
    ['25006', 'database-read-only'],
    ['SQLITE_CORRUPT', 'database-damaged'],
    ['SQLITE_NOTADB', 'database-damaged'],
  ])('%s: %s', (code, expected) => {
    expect(systemFailure(failing(code))).toMatchObject({ kind: 'unavailable', code: expected });
    expect(systemFailure(new Error('wrapped', { cause: failing(code) }))?.code).toBe(expected);
  });

  test('a database that nobody listens for, by one address or by several', async () => {
    const port = await freePort();
    const refused = await new Promise((resolve) => connect(port, '127.0.0.1').once('error', resolve));
    expect(systemFailure(refused)?.code).toBe('database-unavailable');
    const all = Object.assign(new AggregateError([refused], ''), { code: 'ECONNREFUSED' });
    expect(systemFailure(all)?.code).toBe('database-unavailable');
    expect(systemFailure(new Error('Connection terminated unexpectedly'))?.code).toBe('database-unavailable');
  });

  test.each([
    ['a mistake of ours', new TypeError('x is not a function')],
    ['a unique key', failing('SQLITE_CONSTRAINT_UNIQUE')],
    ['a unique key of PostgreSQL', failing('23505')],
    ['a file that is not there', failing('ENOENT', { syscall: 'open' })],
    ['a client that went away', failing('ECONNRESET')],
    ['a text', 'ENOSPC'],
  ])('nothing is made of %s', (_, error) => {
    expect(systemFailure(error)).toBeUndefined();
  });
});

describe('each edge tells it', () => {
  test('a client gets 503 and the sentence, and the log what happened', () => {
    expect(clientError(failing('SQLITE_FULL'))).toEqual({
      status: 503,
      code: 'disk-full',
      message: 'cannot go on: the disk is full; make room and repeat',
    });
    expect(isUnforeseen(failing('SQLITE_FULL'))).toBe(true);
    expect(isUnforeseen(new AirlockError('conflict', 'taken', 'cannot take it'))).toBe(false);
  });

  test('a command ends with 8', () => {
    expect(failureOfCommand(failing('ENOSPC'))).toMatchObject({ exitCode: 8, code: 'disk-full' });
  });

  test('a step is repeated where that may help, and told at once where somebody has to do something', () => {
    expect(failureOfStep(failing('ENOSPC'))).toMatchObject({ type: 'disk-full', nonRetryable: true });
    expect(failureOfStep(failing('EROFS'))).toMatchObject({ type: 'disk-read-only', nonRetryable: true });
    expect(failureOfStep(failing('57P03'))).toMatchObject({
      type: 'database-unavailable',
      nonRetryable: false,
    });
  });
});
