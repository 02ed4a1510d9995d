/** Keys on a PKCS#11 token and signatures by them; everything native runs in child processes. */
export { HsmError, type HsmErrorCode } from './errors.ts';
export {
  parseHsmKeyId,
  type Hsm,
  type HsmKey,
  type HsmKeyId,
  type HsmOptions,
  type HsmProbe,
  type HsmState,
  type HsmStatus,
  type RsaPublicKey,
  type SigningTimes,
  type TokenDescription,
} from './hsm.ts';
export { findP11KitClient, findSoftHsmModule } from './module-path.ts';
export { openHsm } from './open-hsm.ts';
export { HsmTokens, type NamedTokenStatus, type TokenFinder, type TokenPlan } from './tokens.ts';
export { createSoftHsmToken, type SoftHsmModule, type SoftHsmTokenOptions } from './softhsm.ts';
