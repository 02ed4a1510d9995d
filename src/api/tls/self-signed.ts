import { generateKeyPair, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import { AirlockError } from '../../errors.ts';
import { bits, explicit, implicit, integer, octets, oid, sequence, setOf, time, utf8, yes } from './der.ts';

const TEN_YEARS_MS = 3650 * 86_400_000;
/** Clocks of devices are not always right: valid from a day ago. */
const DAY_MS = 86_400_000;
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const COMMON_NAME = '2.5.4.3';
const BASIC_CONSTRAINTS = '2.5.29.19';
const KEY_USAGE = '2.5.29.15';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const SUBJECT_ALT_NAME = '2.5.29.17';
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

/** A certificate and its key, PEM. */
export interface CertificateAndKey {
  readonly cert: string;
  readonly key: string;
}

/**
 * Makes a certificate that signs itself, for the host's names and addresses, with a key of its own (P-256). It is its own
 * CA, so that devices can be told to trust it (RFC 5280).
 * @param random unguessable bytes, for the serial number
 */
export async function selfSigned(
  names: readonly [string, ...string[]],
  at: Date,
  random: (bytes: number) => Uint8Array,
): Promise<CertificateAndKey> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(oid(ECDSA_WITH_SHA256));
  const name = sequence(setOf(sequence(oid(COMMON_NAME), utf8(names[0].slice(0, 64)))));
  const serial = Buffer.from(random(16));
  // Positive, and never shorter than it looks.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const toSign = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    algorithm,
    name,
    sequence(time(new Date(at.getTime() - DAY_MS)), time(new Date(at.getTime() + TEN_YEARS_MS))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, extensions(names)),
  );
  const signature = sign('sha256', toSign, privateKey);
  const certificate = Buffer.from(sequence(toSign, algorithm, bits(signature)));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    cert: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function extensions(names: readonly string[]): Uint8Array {
  const extension = (id: string, critical: boolean, value: Uint8Array) =>
    sequence(oid(id), ...(critical ? [yes()] : []), octets(value));
  return sequence(
    extension(BASIC_CONSTRAINTS, true, sequence(yes())),
    // digitalSignature and keyCertSign.
    extension(KEY_USAGE, true, bits(Buffer.from([0x84]), 2)),
    extension(EXTENDED_KEY_USAGE, false, sequence(oid(SERVER_AUTH))),
    extension(SUBJECT_ALT_NAME, false, sequence(...names.map(alternativeName))),
  );
}

function alternativeName(name: string): Uint8Array {
  const bare = name.replace(/^\[|\]$/g, '');
  if (isIP(bare) !== 0) return implicit(7, addressBytes(bare));
  if (/^[A-Za-z0-9*]([A-Za-z0-9.*-]{0,252})$/.test(name)) return implicit(2, Buffer.from(name, 'latin1'));
  throw new AirlockError(
    'invalid',
    'certificate-name-invalid',
    `cannot make a certificate for ${JSON.stringify(name.slice(0, 80))}: it is neither a host name nor an address; set proxy.domain`,
  );
}

function addressBytes(address: string): Uint8Array {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  // The URL parser writes every IPv6 address in its shortest hexadecimal form.
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = '', tail] = text.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const all = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => '0'), ...back];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
