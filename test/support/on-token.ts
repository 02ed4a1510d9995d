import { PKCS11 } from 'pkcs11js';
import { CK } from '../../src/hsm/cryptoki.ts';
import type { TestToken } from './softhsm-token.ts';

/** Looks at a token with the bare binding, in this process: what the product's own code says is not taken for granted. */
export function onToken<Result>(token: TestToken, look: (lib: PKCS11, session: Buffer) => Result): Result {
  Object.assign(process.env, token.env);
  const lib = new PKCS11();
  lib.load(token.modulePath);
  lib.C_Initialize({ flags: CK.CKF_OS_LOCKING_OK });
  try {
    const slot = lib
      .C_GetSlotList(true)
      .find((candidate) => lib.C_GetTokenInfo(candidate).label.trim() === token.label);
    if (!slot) throw new Error('the token is not there');
    const session = lib.C_OpenSession(slot, CK.CKF_SERIAL_SESSION | CK.CKF_RW_SESSION);
    lib.C_Login(session, CK.CKU_USER, token.pin);
    return look(lib, session);
  } finally {
    lib.C_Finalize();
    lib.close();
  }
}
