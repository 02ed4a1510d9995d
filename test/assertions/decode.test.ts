import { describe, expect, it } from 'vitest';
import {
  AssertionError,
  decodeAssertion,
  MAX_BODY_BYTES,
  MAX_HEADERS_BYTES,
  MAX_SIGNATURE_BYTES,
  type AssertionErrorCode,
} from '../../src/assertions/index.ts';

const KEY_ID = 'Jv8_JiHiIzJVcO9M55pPdqSDWUvuhfDIBJUS-3VW7F_idjix7Ffn5qMxB21ZQuij';
const SIGNATURE = 'AXNpZw==';

/** A snap-build, which takes any body, with some lines changed. */
function encoded(options: { headers?: readonly string[]; tail?: string } = {}): string {
  const headers = options.headers ?? [];
  const lines = [
    'type: snap-build',
    'authority-id: dev-id1',
    `snap-sha3-384: ${KEY_ID}`,
    'snap-id: snap-id-1',
    'grade: stable',
    'snap-size: 10000',
    'timestamp: 2016-01-02T15:00:00Z',
    `sign-key-sha3-384: ${KEY_ID}`,
  ].filter((line) => !headers.some((other) => other.split(':')[0] === line.split(':')[0]));
  return (
    [...lines, ...headers.filter((line) => line.includes(':'))].join('\n') +
    (options.tail ?? `\n\n${SIGNATURE}`)
  );
}

function codeOf(act: () => unknown): AssertionErrorCode | 'accepted' {
  try {
    act();
    return 'accepted';
  } catch (error) {
    if (error instanceof AssertionError) return error.code;
    throw error;
  }
}

describe('decoding one assertion', () => {
  it('gives its parts, and its bytes as they came', () => {
    const text = encoded({
      headers: ['revision: 4', 'body-length: 5'],
      tail: `\n\nBODY\n\n\n${SIGNATURE}\n`,
    });
    const assertion = decodeAssertion(text);
    expect(assertion).toMatchObject({
      type: 'snap-build',
      revision: 4,
      format: 0,
      authorityId: 'dev-id1',
      signKeyId: KEY_ID,
      primaryKey: [KEY_ID],
    });
    expect(Buffer.from(assertion.body).toString()).toBe('BODY\n');
    expect(Buffer.from(assertion.signature).toString()).toBe(`${SIGNATURE}\n`);
    expect(Buffer.from(assertion.bytes).toString()).toBe(text);
    expect(Buffer.from(assertion.content).toString()).toBe(text.slice(0, text.lastIndexOf('\n\n')));
  });

  it('does not notice when the bytes that it was given change afterwards', () => {
    const bytes = Buffer.from(encoded());
    const assertion = decodeAssertion(bytes);
    bytes.fill(0);
    expect(Buffer.from(assertion.bytes).toString()).toBe(encoded());
  });

  it('takes headers in any order', () => {
    const lines = encoded({ tail: '' }).split('\n').toReversed().join('\n');
    expect(decodeAssertion(`${lines}\n\n${SIGNATURE}`).type).toBe('snap-build');
  });

  it('fills in the default of an optional part of the primary key', () => {
    const revision = [
      'type: snap-revision',
      'snap-revision: 1',
      'developer-id: dev-id1',
      'grade', // dropped
    ];
    expect(decodeAssertion(encoded({ headers: revision })).primaryKey).toEqual([KEY_ID, 'global-upload']);
  });

  it.each<[string, AssertionErrorCode, Parameters<typeof encoded>[0]]>([
    ['no separator', 'assertion-malformed', { tail: '' }],
    ['no signature', 'assertion-malformed', { tail: '\n\n' }],
    ['a body that is longer than declared', 'assertion-malformed', { tail: `\n\nx\n\n${SIGNATURE}` }],
    ['a body that is shorter than declared', 'assertion-malformed', { headers: ['body-length: 3'] }],
    ['a body length with zeros in front', 'header-invalid', { headers: ['body-length: 00'] }],
    ['a body length that is no number', 'header-invalid', { headers: ['body-length: x'] }],
    ['an unknown type', 'assertion-type-unknown', { headers: ['type: unheard-of'] }],
    ['an inherited name as type', 'assertion-type-unknown', { headers: ['type: constructor'] }],
    ['no type', 'header-invalid', { headers: ['type'] }],
    ['no authority', 'header-invalid', { headers: ['authority-id'] }],
    ['no key id', 'header-invalid', { headers: ['sign-key-sha3-384'] }],
    ['a key id that is no digest', 'header-invalid', { headers: ['sign-key-sha3-384: abc'] }],
    ['a negative revision', 'header-invalid', { headers: ['revision: -1'] }],
    ['a revision beyond all numbers', 'header-invalid', { headers: ['revision: 99999999999999999999'] }],
    ['a format that is no number', 'header-invalid', { headers: ['format: one'] }],
    ['an empty primary key', 'header-invalid', { headers: ['snap-sha3-384: '] }],
    ['a slash in the primary key', 'header-invalid', { headers: ['snap-sha3-384: a/b'] }],
  ])('refuses %s', (_, code, options) => {
    expect(codeOf(() => decodeAssertion(encoded(options)))).toBe(code);
  });

  it('names the type in the sentence of what it refuses', () => {
    expect(() => decodeAssertion(encoded({ headers: ['grade: '] }))).toThrow(
      'cannot accept the snap-build assertion: "grade" header is empty',
    );
  });

  it.each([
    ['headers', Buffer.concat([Buffer.from('type: '), Buffer.from([0xff]), Buffer.from(`\n\n${SIGNATURE}`)])],
    [
      'the body',
      Buffer.concat([
        Buffer.from(encoded({ headers: ['body-length: 2'], tail: '\n\n' })),
        Buffer.from([0xc3, 0x28]),
        Buffer.from(`\n\n${SIGNATURE}`),
      ]),
    ],
  ])('refuses %s that are not UTF-8', (_, bytes) => {
    expect(codeOf(() => decodeAssertion(bytes))).toBe('assertion-malformed');
  });

  it('refuses parts that are larger than devices accept', () => {
    const large = (size: number): string => 'a'.repeat(size);
    const tooLarge = [
      encoded({ headers: [`x: ${large(MAX_HEADERS_BYTES)}`] }),
      encoded({
        headers: [`body-length: ${MAX_BODY_BYTES + 1}`],
        tail: `\n\n${large(MAX_BODY_BYTES + 1)}\n\n${SIGNATURE}`,
      }),
      encoded({ tail: `\n\n${large(MAX_SIGNATURE_BYTES + 1)}` }),
    ];
    for (const text of tooLarge) expect(codeOf(() => decodeAssertion(text))).toBe('assertion-too-large');
    const fits = encoded({
      headers: [`body-length: ${MAX_BODY_BYTES}`],
      tail: `\n\n${large(MAX_BODY_BYTES)}\n\n${SIGNATURE}`,
    });
    expect(codeOf(() => decodeAssertion(fits))).toBe('accepted');
  });

  it('refuses an authority in a type that has none', () => {
    const request = encoded({
      headers: ['type: device-session-request', 'brand-id: b', 'model: m', 'serial: s', 'nonce: n'],
    });
    expect(() => decodeAssertion(request)).toThrow(
      '"authority-id" header has no place in a self-signed assertion',
    );
  });
});
