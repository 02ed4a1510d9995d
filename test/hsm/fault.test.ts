import { describe, expect, it } from 'vitest';
import { faultKindOf } from '../../src/hsm/cryptoki.ts';
import { TokenFault, faultOf, pinGuard } from '../../src/hsm/fault.ts';

/** What the native binding throws: the name of the return value, its number, and where. */
function nativeError(name: string, code: number): Error {
  return Object.assign(new Error(name), { code, method: 'C_Sign' });
}

describe('a failed PKCS#11 call', () => {
  it.each([
    ['CKR_DEVICE_ERROR', 0x30],
    ['CKR_GENERAL_ERROR', 0x5],
    ['CKR_DEVICE_REMOVED', 0x32],
    ['CKR_SESSION_HANDLE_INVALID', 0xb3],
    ['CKR_SESSION_CLOSED', 0xb0],
    ['CKR_TOKEN_NOT_PRESENT', 0xe0],
    ['CKR_USER_NOT_LOGGED_IN', 0x101],
    ['CKR_CRYPTOKI_NOT_INITIALIZED', 0x190],
    ['CKR_OPERATION_ACTIVE', 0x90],
    ['a vendor’s own value', 0x80000001],
  ])('means another connection for %s', (_name, code) => {
    expect(faultKindOf(code)).toBe('connection');
  });

  it.each([
    ['CKR_PIN_INCORRECT', 0xa0],
    ['CKR_PIN_EXPIRED', 0xa3],
    ['CKR_PIN_LOCKED', 0xa4],
  ])('means that no PIN is sent again for %s', (_name, code) => {
    expect(faultKindOf(code)).toBe('pin');
  });

  it.each([
    ['CKR_KEY_SIZE_RANGE', 0x62],
    ['CKR_DEVICE_MEMORY: the token is full', 0x31],
    ['CKR_MECHANISM_INVALID', 0x70],
  ])('leaves the connection as it is for %s', (_name, code) => {
    expect(faultKindOf(code)).toBe('refused');
  });

  it('is told by its name and place', () => {
    expect(faultOf(nativeError('CKR_DEVICE_ERROR', 0x30))).toEqual({
      kind: 'connection',
      reason: 'CKR_DEVICE_ERROR at C_Sign',
    });
    expect(faultOf(new TokenFault('key-missing', 'no such key'))).toEqual({
      kind: 'key-missing',
      reason: 'no such key',
    });
    expect(faultOf('anything').kind).toBe('connection');
  });
});

describe('the flags of a token before log-in', () => {
  const [loginRequired, countLow, finalTry, locked] = [0x4, 0x10000, 0x20000, 0x40000];

  it('let a PIN be sent, also after one that was wrong', () => {
    expect(pinGuard(loginRequired)).toBeUndefined();
    expect(pinGuard(loginRequired | countLow)).toBeUndefined();
  });

  it('keep the last try for people, so that restarts never lock a token', () => {
    expect(pinGuard(loginRequired | countLow | finalTry)).toMatchObject({ kind: 'pin-guarded' });
    expect(pinGuard(locked)).toMatchObject({
      kind: 'pin-guarded',
      message: expect.stringContaining('unlock'),
    });
  });
});
