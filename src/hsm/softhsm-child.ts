/**
 * A process that lives for one token initialisation, so that neither PIN appears in a process list (softhsm2-util takes
 * them as arguments) and the parent never loads the module.
 */
import { z } from 'zod';
import { CK } from './cryptoki.ts';
import { faultOf } from './fault.ts';
import { findSlot, loadModule } from './token.ts';

const requestSchema = z.strictObject({
  module: z.string(),
  label: z.string().min(1),
  pin: z.string(),
  soPin: z.string(),
});

process.once('message', (message: unknown) => {
  let answer: object = {};
  try {
    initialise(requestSchema.parse(message));
  } catch (error) {
    answer = { fault: faultOf(error) };
  }
  process.send?.(answer, undefined, undefined, () => process.exit(0));
});
process.on('disconnect', () => process.exit(0));

function initialise({ module, label, pin, soPin }: z.infer<typeof requestSchema>): void {
  const lib = loadModule(module);
  lib.C_Initialize({ flags: CK.CKF_OS_LOCKING_OK });
  const free = lib
    .C_GetSlotList(true)
    .find((slot) => (lib.C_GetTokenInfo(slot).flags & CK.CKF_TOKEN_INITIALIZED) === 0);
  if (!free) throw new Error('there is no slot without a token');
  // PKCS#11 takes 32 bytes, filled with blanks, whatever the length of the text.
  lib.C_InitToken(free, soPin, label + ' '.repeat(Math.max(0, 32 - Buffer.byteLength(label))));
  const { slot } = findSlot(lib, label);
  const session = lib.C_OpenSession(slot, CK.CKF_SERIAL_SESSION | CK.CKF_RW_SESSION);
  lib.C_Login(session, CK.CKU_SO, soPin);
  lib.C_InitPIN(session, pin);
  lib.C_Logout(session);
  lib.C_Finalize();
}
