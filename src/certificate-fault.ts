/** What is wrong with the certificate of a server that cannot be reached for it. */
export type CertificateFault = 'untrusted' | 'expired' | 'not-yet-valid' | 'other-name';

/** Node's codes, by what they mean. */
const FAULTS: ReadonlyMap<unknown, CertificateFault> = new Map([
  // It leads to no CA which this process trusts.
  ['CERT_UNTRUSTED', 'untrusted'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'untrusted'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'untrusted'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'untrusted'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'untrusted'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'untrusted'],
  ['CERT_HAS_EXPIRED', 'expired'],
  ['CERT_NOT_YET_VALID', 'not-yet-valid'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'other-name'],
]);
const DEPTH = 8;

/** Why a request failed where the server's certificate is the reason; undefined where it is not. */
export function certificateFault(error: unknown): CertificateFault | undefined {
  let current = error;
  for (let depth = 0; current instanceof Error && depth < DEPTH; depth++) {
    const fault = 'code' in current ? FAULTS.get(current.code) : undefined;
    if (fault !== undefined) return fault;
    current = current.cause;
  }
  return undefined;
}
