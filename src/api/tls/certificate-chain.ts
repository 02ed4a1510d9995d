import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { AirlockError, sentenceOf } from '../../errors.ts';
import type { CertificateAndKey } from './self-signed.ts';

/** What can be wrong with a certificate that an operator brings. */
export type CertificateErrorCode =
  /** The input holds no certificate, or none that can be read, or a private key that is encrypted. */
  | 'certificate-unreadable'
  /** The private key must be in the input too, once. */
  | 'certificate-key-missing'
  /** The private key is not that of the first certificate: that of the host comes first. */
  | 'certificate-key-wrong'
  /** A certificate has expired, or is not valid yet. */
  | 'certificate-not-valid-now'
  /** The certificates do not lead from one to the next, or one that should be a CA is none. */
  | 'certificate-chain-broken';

/** A certificate that cannot be used; nothing was changed. */
class CertificateError extends AirlockError<CertificateErrorCode> {
  constructor(code: CertificateErrorCode, why: string, cause?: unknown) {
    super('invalid', code, `cannot use this certificate: ${why}`, { cause });
  }
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----[A-Za-z0-9+/=\s]{1,20000}-----END \1-----/g;
const MOST_CERTIFICATES = 10;

/**
 * Takes the host's certificate, its key and the intermediates out of one PEM text, and checks that they belong together:
 * the first certificate is the host's, the key is its key, it is valid now, and each is issued by the next.
 * @throws CertificateError
 */
export function certificateAndKey(pem: string, now: Date): CertificateAndKey {
  const blocks = [...pem.matchAll(BLOCK)].map(([block, label = '']) => ({ block, label }));
  const chain = certificatesOf(blocks);
  const [host] = chain;
  if (host === undefined)
    throw new CertificateError('certificate-unreadable', 'there is none in the input (PEM)');
  const keys = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const [key] = keys;
  if (key === undefined || keys.length > 1)
    throw new CertificateError(
      'certificate-key-missing',
      `its private key must be in the input too, once and in PEM; there are ${keys.length}`,
    );
  const privateKey = readKey(key.block);
  if (!host.checkPrivateKey(privateKey))
    throw new CertificateError(
      'certificate-key-wrong',
      `the key is not that of the first certificate, ${subjectOf(host)}; the certificate of the host comes first`,
    );
  requireValid(chain, now);
  requireChain(chain);
  return {
    cert: chain.map((each) => each.toString()).join(''),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/**
 * CAs to trust, out of a PEM text.
 * @throws CertificateError
 */
export function caCertificates(pem: string, now: Date): readonly string[] {
  const cas = certificatesOf(
    [...pem.matchAll(BLOCK)].map(([block, label = '']) => ({ block, label })),
    500,
  );
  if (cas.length === 0)
    throw new CertificateError('certificate-unreadable', 'there is none in the input (PEM)');
  for (const ca of cas)
    if (!ca.ca)
      throw new CertificateError('certificate-chain-broken', `${subjectOf(ca)} is not that of a CA`);
  if (cas.every((ca) => ca.validToDate < now))
    throw new CertificateError('certificate-not-valid-now', `${subjectOf(cas[0])} has expired`);
  return cas.map((ca) => ca.toString());
}

/** Whether a private key (PEM) is that of the first of some certificates (PEM); not so where one of them cannot be read. */
export function isKeyOf(certificates: string, key: string): boolean {
  try {
    return new X509Certificate(certificates).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** What `status` and logs tell of a certificate. */
export function describeCertificate(pem: string): { readonly subject: string; readonly until: string } {
  const host = new X509Certificate(pem);
  return { subject: plainSubject(host), until: host.validToDate.toISOString() };
}

/** The same of what is set for HTTPS; undefined where nothing is, or nothing that can be read, and HTTPS is off. */
export function describeSetCertificate(
  pem: string | undefined,
): ReturnType<typeof describeCertificate> | undefined {
  try {
    return pem === undefined ? undefined : describeCertificate(pem);
  } catch {
    return undefined;
  }
}

function certificatesOf(
  blocks: readonly { readonly block: string; readonly label: string }[],
  most = MOST_CERTIFICATES,
): X509Certificate[] {
  const certificates = blocks.filter(({ label }) => label === 'CERTIFICATE');
  if (certificates.length > most)
    throw new CertificateError('certificate-chain-broken', `there are more than ${most} in the input`);
  try {
    return certificates.map(({ block }) => new X509Certificate(block));
  } catch (cause) {
    throw new CertificateError('certificate-unreadable', sentenceOf(cause), cause);
  }
}

function readKey(block: string): KeyObject {
  try {
    return createPrivateKey(block);
  } catch (cause) {
    // What OpenSSL says may hold none of the key.
    throw new CertificateError(
      'certificate-unreadable',
      'its private key cannot be read; is it encrypted?',
      cause,
    );
  }
}

function requireValid(chain: readonly X509Certificate[], now: Date): void {
  for (const each of chain) {
    if (each.validToDate < now)
      throw new CertificateError(
        'certificate-not-valid-now',
        `${subjectOf(each)} expired on ${each.validToDate.toISOString()}`,
      );
    if (each.validFromDate > now)
      throw new CertificateError(
        'certificate-not-valid-now',
        `${subjectOf(each)} begins on ${each.validFromDate.toISOString()}; check this host's clock`,
      );
  }
}

function requireChain(chain: readonly X509Certificate[]): void {
  for (const [index, each] of chain.entries()) {
    const issuer = chain[index + 1];
    if (issuer === undefined) return;
    if (!each.checkIssued(issuer) || !each.verify(issuer.publicKey))
      throw new CertificateError(
        'certificate-chain-broken',
        `${subjectOf(each)} is not issued by the next one, ${subjectOf(issuer)}; intermediates follow in order, each after what it issued`,
      );
  }
}

function subjectOf(certificate: X509Certificate | undefined): string {
  return JSON.stringify(plainSubject(certificate));
}

function plainSubject(certificate: X509Certificate | undefined): string {
  return (certificate?.subject ?? '').replaceAll('\n', ', ').slice(0, 120);
}
