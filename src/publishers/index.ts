export * from './accounts.ts';
export * from './account-key-requests.ts';
export * from './attenuation.ts';
export * from './build-policy.ts';
export * from './caveats.ts';
export * from './channel-patterns.ts';
export * from './discharges.ts';
export * from './errors.ts';
export * from './sso.ts';
export {
  addCaveat,
  decodeMacaroon,
  encodeMacaroon,
  mintMacaroon,
  verifyMacaroon,
  type Macaroon,
  type RawCaveat,
  type VerifiedMacaroon,
} from './macaroons.ts';
export { MAX_MACAROON_BYTES } from './macaroon-packets.ts';
export * from './login-file.ts';
export * from './names.ts';
export * from './permissions.ts';
export * from './releases.ts';
export * from './roles.ts';
export * from './tokens.ts';
export * from './uploads.ts';
export * from './drafts.ts';
