import { getCACertificates, setDefaultCACertificates } from 'node:tls';

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Makes connections of this process to other hosts trust the CAs of `pem` alone, from the next one on.
 * @returns undoes it
 */
export function trustOnly(pem: string): () => void {
  const before = getCACertificates('default');
  setDefaultCACertificates(pem.match(PEM) ?? []);
  return () => setDefaultCACertificates(before);
}
