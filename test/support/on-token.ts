import { PKCS11 } from 'pkcs11js';
import { CK } from '../../src/hsm/cryptoki.ts';
import type { HsmKeyId } from '../../src/hsm/index.ts';
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

/** Puts RSA keys of 2048 bits on a token that nobody has open: a tenth of the work that those of the product take. */
export function putSmallKeys(token: TestToken, ids: readonly HsmKeyId[]): void {
  if (ids.length === 0) return;
  onToken(token, (lib, session) => {
    for (const id of ids) {
      const both = [
        { type: CK.CKA_TOKEN, value: true },
        { type: CK.CKA_ID, value: Buffer.from(id, 'hex') },
      ];
      const size = [
        { type: CK.CKA_MODULUS_BITS, value: 2048 },
        { type: CK.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
      ];
      const mechanism = { mechanism: CK.CKM_RSA_PKCS_KEY_PAIR_GEN };
      lib.C_GenerateKeyPair(
        session,
        mechanism,
        [...both, ...size],
        [...both, { type: CK.CKA_SIGN, value: true }],
      );
    }
  });
}
