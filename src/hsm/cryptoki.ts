/**
 * The numbers of PKCS#11 v2.40 that we use, under their own names. Kept here rather than taken from the native binding,
 * so that only the child process ever loads native code.
 */
export const CK = {
  CKF_OS_LOCKING_OK: 0x2,
  CKF_RW_SESSION: 0x2,
  CKF_SERIAL_SESSION: 0x4,
  CKF_TOKEN_INITIALIZED: 0x400,
  CKF_USER_PIN_FINAL_TRY: 0x20000,
  CKF_USER_PIN_LOCKED: 0x40000,
  CKU_SO: 0,
  CKU_USER: 1,
  CKO_PUBLIC_KEY: 2,
  CKO_PRIVATE_KEY: 3,
  CKK_RSA: 0,
  CKM_RSA_PKCS_KEY_PAIR_GEN: 0x0,
  CKM_RSA_PKCS: 0x1,
  CKA_CLASS: 0x0,
  CKA_TOKEN: 0x1,
  CKA_PRIVATE: 0x2,
  CKA_LABEL: 0x3,
  CKA_KEY_TYPE: 0x100,
  CKA_ID: 0x102,
  CKA_SENSITIVE: 0x103,
  CKA_ENCRYPT: 0x104,
  CKA_DECRYPT: 0x105,
  CKA_WRAP: 0x106,
  CKA_UNWRAP: 0x107,
  CKA_SIGN: 0x108,
  CKA_VERIFY: 0x10a,
  CKA_MODULUS: 0x120,
  CKA_MODULUS_BITS: 0x121,
  CKA_PUBLIC_EXPONENT: 0x122,
  CKA_EXTRACTABLE: 0x162,
} as const;

/** What a failed PKCS#11 call means for whoever asked. */
export type FaultKind =
  /** The connection, session or device is gone: a new process may have better luck. */
  | 'connection'
  /** No slot carries the token that we look for. */
  | 'no-token'
  /** The PIN is wrong, expired or locked: must not be tried again. */
  | 'pin'
  /** One more wrong PIN would lock the token, so none was sent. */
  | 'pin-guarded'
  | 'key-missing'
  | 'key-ambiguous'
  | 'key-unprotected'
  /** The library cannot be loaded. */
  | 'module'
  /** The token declined this one call; the connection is sound. */
  | 'refused';

const PIN_FAULTS: ReadonlySet<number> = new Set([0xa0, 0xa1, 0xa2, 0xa3, 0xa4]);

/** SLOT_ID_INVALID, HOST_MEMORY, GENERAL_ERROR, FUNCTION_FAILED, DEVICE_*, FUNCTION_CANCELED, OPERATION_ACTIVE, SESSION_*, TOKEN_*, USER_*, CRYPTOKI_*. */
const CONNECTION_FAULTS: ReadonlySet<number> = new Set([
  0x2, 0x3, 0x5, 0x6, 0x8, 0x30, 0x32, 0x50, 0x90, 0x91, 0xb0, 0xb1, 0xb3, 0xb4, 0xe0, 0xe1, 0x100, 0x101,
  0x190, 0x191,
]);

/**
 * Sorts a PKCS#11 return value. Vendors put their own losses of connection above 0x80000000, so these count as lost too.
 */
export function faultKindOf(returnValue: number): FaultKind {
  if (PIN_FAULTS.has(returnValue)) return 'pin';
  if (CONNECTION_FAULTS.has(returnValue) || returnValue >= 0x80000000) return 'connection';
  return 'refused';
}
