import { constants, createHash, createPublicKey, privateEncrypt, type KeyObject } from 'node:crypto';
import { encodeArmored } from './armor.ts';
import type { Assertion } from './assertion.ts';
import { decodeAssertion } from './decode.ts';
import { AssertionError } from './errors.ts';
import { iteration, refuse } from './header-rules.ts';
import { isWritten, writeHeader } from './header-writer.ts';
import { ownValue, type HeaderValue } from './header-values.ts';
import { publicKeyFromJwk, type PublicKey } from './public-key.ts';
import { digestInfo } from './signature-hashes.ts';
import { encodeSignaturePacket, signatureSuffix } from './signature-packets.ts';
import { verifySignature } from './signatures.ts';
import { compareBytewise, concatBytes, utf8Bytes } from './text-bytes.ts';
import type { AssertionTypeName } from './type-names.ts';
import { rulesOf } from './type-registry.ts';
import type { TypeRules } from './type-rules.ts';

/** Who can sign: a key on a token, or one in memory. */
export interface Signer {
  readonly publicKey: PublicKey;
  /** The raw RSASSA-PKCS1-v1_5 signature of a SHA-512 digest: big-endian, as long as the modulus. */
  signDigest(sha512: Uint8Array): Promise<Uint8Array>;
}

/** What is to be signed. Meta headers that follow from the rest (type, body-length, key id) are filled in. */
export interface AssertionDraft {
  readonly type: AssertionTypeName;
  readonly headers: { readonly [name: string]: HeaderValue };
  readonly body?: Uint8Array | string;
}

const FILLED_IN: ReadonlySet<string> = new Set([
  'type',
  'format',
  'authority-id',
  'revision',
  'body-length',
  'sign-key-sha3-384',
]);

/**
 * Signs an assertion. Its format is raised to what the content needs; equal input gives equal bytes.
 * @throws AssertionError for anything that `decodeAssertion` would refuse, and for a signature that does not verify
 */
export async function signAssertion(
  draft: AssertionDraft,
  signer: Signer,
  signedAt: Date,
): Promise<Assertion> {
  const content = utf8Bytes(contentOf(draft, signer.publicKey.keyId));
  const suffix = signatureSuffix(signedAt);
  const digest = new Uint8Array(createHash('sha512').update(content).update(suffix).digest());
  const signature = await signer.signDigest(digest);
  const armored = `${encodeArmored(encodeSignaturePacket(signedAt, digest, signature))}\n`;
  const assertion = decodeAssertion(concatBytes(content, utf8Bytes(`\n\n${armored}`)));
  verifySignature(assertion, signer.publicKey);
  return assertion;
}

/**
 * A signer with a private RSA key in memory: for devices, tests and the well-known test keys.
 * @throws AssertionError `key-malformed` when it is no RSA key
 */
export function softwareSigner(privateKey: KeyObject): Signer {
  const publicKey = publicKeyFromJwk(createPublicKey(privateKey).export({ format: 'jwk' }));
  return {
    publicKey,
    async signDigest(sha512) {
      const padded = { key: privateKey, padding: constants.RSA_PKCS1_PADDING };
      return new Uint8Array(privateEncrypt(padded, digestInfo('sha512', sha512)));
    },
  };
}

/** The signed text: meta headers, primary key, the other headers by name, the key id, then the body. */
function contentOf(draft: AssertionDraft, keyId: string): string {
  const type = rulesOf(draft.type);
  const headers = Object.fromEntries(Object.entries(draft.headers).filter(([, value]) => isWritten(value)));
  const body = bodyText(draft.body);
  const bodyLength = utf8Bytes(body).length;
  const revision = iteration({ values: headers, where: 'header' }, 'revision');
  const lines = [
    ...formatLine(type, headers),
    ...written(headers, type.authority === 'required' ? ['authority-id'] : []),
    ...written(headers, revision > 0 ? ['revision'] : []),
    ...written(
      headers,
      type.primaryKey.filter((name) => headers[name] !== type.optionalPrimaryKeyDefaults[name]),
    ),
    ...written(headers, otherHeaders(type, headers)),
    ...(bodyLength > 0 ? [writeHeader('body-length', String(bodyLength))] : []),
    writeHeader('sign-key-sha3-384', keyId),
  ];
  if (type.authority === 'none' && ownValue(headers, 'authority-id') !== undefined) {
    refuse('"authority-id" header has no place in a self-signed assertion');
  }
  return `type: ${type.name}${lines.join('')}${bodyLength > 0 ? `\n\n${body}` : ''}`;
}

function otherHeaders(type: TypeRules, headers: { readonly [name: string]: HeaderValue }): readonly string[] {
  return Object.keys(headers)
    .filter((name) => !FILLED_IN.has(name) && !type.primaryKey.includes(name))
    .toSorted(compareBytewise);
}

function written(
  headers: { readonly [name: string]: HeaderValue },
  names: readonly string[],
): readonly string[] {
  return names.map((name) => {
    const value = ownValue(headers, name);
    return value === undefined ? '' : writeHeader(name, value);
  });
}

/** The format as it was given where that is enough, else the one that the content needs; nothing for format 0. */
function formatLine(type: TypeRules, headers: { readonly [name: string]: HeaderValue }): readonly string[] {
  const given = iteration({ values: headers, where: 'header' }, 'format');
  const needed = type.neededFormat?.(headers) ?? 0;
  if (Math.max(given, needed) > type.maxFormat) {
    throw new AssertionError(
      'format-unsupported',
      `cannot sign the ${type.name} assertion: its format is above ${type.maxFormat}, the highest known one`,
    );
  }
  if (needed > given) return [writeHeader('format', String(needed))];
  return written(headers, given > 0 ? ['format'] : []);
}

function bodyText(body: Uint8Array | string | undefined): string {
  if (body === undefined) return '';
  if (typeof body === 'string') return body;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch (error) {
    throw new AssertionError('body-invalid', 'cannot sign the assertion: its body is not UTF-8', {
      cause: error,
    });
  }
}
