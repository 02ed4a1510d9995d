/** Node's codes for a certificate that leads to no CA which this process trusts. */
const CODES: ReadonlySet<unknown> = new Set([
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);
const DEPTH = 8;

/** Whether a request failed because the server's certificate comes from a CA that is not trusted. */
export function isUntrustedCertificate(error: unknown): boolean {
  let current = error;
  for (let depth = 0; current instanceof Error && depth < DEPTH; depth++) {
    if ('code' in current && CODES.has(current.code)) return true;
    current = current.cause;
  }
  return false;
}
