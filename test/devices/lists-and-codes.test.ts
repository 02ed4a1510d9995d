import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  apiKeyDigest,
  claimCodeOf,
  deriveClaim,
  DeviceError,
  matchApiKey,
  parseApiKey,
  openPgpFingerprint,
  planAllowListImport,
  questionBody,
  readAllowList,
  readAnswer,
  readClaim,
  readCommaSeparated,
  readHardwareProof,
  signQuestion,
  writeCommaSeparated,
  type ApiKeyRecord,
} from '../../src/devices/index.ts';

const secret = Buffer.alloc(32, 7);
const pepper = createSecretKey(Buffer.alloc(32, 9));

describe('comma-separated text', () => {
  it('comes back as it was written, whatever the cells hold', () => {
    // What a spreadsheet would run gets an apostrophe, and cells are trimmed when they are read.
    const cell = fc
      .string()
      .filter((text) => !/^[=+\-@\t\r]/.test(text) && text === text.trim() && !text.includes('\r'));
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), (rows) => {
        const text = writeCommaSeparated(['one', 'two'], rows);
        const read = readCommaSeparated(text).map(({ fields }) => [fields['one'], fields['two']]);
        expect(read).toEqual(rows.filter((row) => row.some((one) => one !== '') || row.length > 1));
      }),
    );
  });

  it('never lets a spreadsheet run a cell', () => {
    expect(writeCommaSeparated(['note'], [['=HYPERLINK("http://x")']])).toBe(
      `note\n"'=HYPERLINK(""http://x"")"\n`,
    );
  });

  it('is refused with the line at fault', () => {
    expect(() => readCommaSeparated('a,b\n1,2,3\n')).toThrow('line 2');
    expect(() => readCommaSeparated('a\n"open')).toThrow('line 2');
    expect(() => readCommaSeparated('')).toThrow('empty');
  });
});

describe('an import of an allow-list', () => {
  it('says of each row what becomes of it', () => {
    const existing = new Map([
      ['S-1', { serial: 'S-1', deviceKeyId: undefined, note: '', takenBy: undefined }],
      ['S-2', { serial: 'S-2', deviceKeyId: undefined, note: '', takenBy: 'a'.repeat(64) }],
    ]);
    const rows = readAllowList(
      JSON.stringify([
        { serial: 'S-1' },
        { serial: 'S-1' },
        { serial: 'S-2', 'device-key-sha3-384': 'b'.repeat(64) },
        { serial: 'S-3', note: 'new' },
        { serial: 'no good' },
        { serial: 'S-4', colour: 'red' },
        'S-5',
      ]),
    );
    const { results, writes } = planAllowListImport(rows, existing);
    expect(results.map(({ result }) => result)).toEqual([
      'unchanged',
      'refused',
      'refused',
      'added',
      'refused',
      'refused',
      'refused',
    ]);
    expect(writes.map(({ serial }) => serial)).toEqual(['S-3']);
    expect(results.every(({ result, message }) => (result === 'refused') === (message !== ''))).toBe(true);
  });

  it('takes what an export wrote, and leaves who took what as it is', () => {
    const taken = { 'taken-by-device-key-sha3-384': 'c'.repeat(64), 'taken-at': '2026-01-02T03:04:05' };
    const exported = [{ serial: 'S-1', 'device-key-sha3-384': null, note: 'a', 'created-at': '', ...taken }];
    const csv = `serial,device-key-sha3-384,note,taken-by-device-key-sha3-384,taken-at\nS-1,,a,${'c'.repeat(64)},x\n`;
    for (const text of [JSON.stringify(exported), csv])
      expect(readAllowList(text)).toMatchObject([
        { entry: { serial: 'S-1', deviceKeyId: undefined, note: 'a' }, message: '' },
      ]);
  });

  it('is the same again after it was done', () => {
    const serial = fc.constantFrom('S-1', 'S-2', 'S-3', 'bad one');
    fc.assert(
      fc.property(fc.array(fc.record({ serial, note: fc.constantFrom('', 'x') })), (list) => {
        const rows = readAllowList(JSON.stringify(list));
        const first = planAllowListImport(rows, new Map());
        const after = new Map(first.writes.map((entry) => [entry.serial, { ...entry, takenBy: undefined }]));
        const second = planAllowListImport(rows, after);
        expect(second.writes).toEqual([]);
      }),
    );
  });
});

describe('a claim code', () => {
  const of = { brandId: 'acme', model: 'model-a' };

  it('is proved by the secret that made it, for its brand, model and label alone', () => {
    const code = deriveClaim(secret, { ...of, label: 'S-1' });
    expect(readClaim(secret, { ...of, code })).toEqual({ label: 'S-1' });
    expect(readClaim(secret, { ...of, code: code.toUpperCase().replace('S-1', 'S-1') })).toEqual({
      label: 'S-1',
    });
    expect(readClaim(Buffer.alloc(32), { ...of, code })).toBeUndefined();
    expect(readClaim(secret, { ...of, model: 'model-b', code })).toBeUndefined();
    expect(readClaim(secret, { ...of, code: code.replace('S-1', 'S-2') })).toBeUndefined();
    expect(readClaim(secret, { ...of, code: 'S-1' })).toBeUndefined();
  });

  it('is found in a header, a JSON body or a line of the body', () => {
    expect(claimCodeOf('A.1', 'claim-code: B.2')).toBe('A.1');
    expect(claimCodeOf(undefined, '{"claim-code":"C.3","mac":"0"}')).toBe('C.3');
    expect(claimCodeOf(undefined, 'mac: 0\nclaim-code: "D.4"\n')).toBe('D.4');
    expect(claimCodeOf('', 'mac: 0')).toBeUndefined();
    expect(claimCodeOf(undefined, '{not json')).toBeUndefined();
  });
});

describe('an API key', () => {
  const now = new Date(0);
  const record = (name: string, key: string, more: Partial<ApiKeyRecord> = {}): ApiKeyRecord => ({
    name,
    digest: apiKeyDigest(key, pepper),
    expiresAt: undefined,
    blocked: false,
    ...more,
  });
  const codeOf = (presented: string | undefined, records: ApiKeyRecord[]) => {
    try {
      return matchApiKey(presented, records, { pepper, now }).name;
    } catch (error) {
      return error instanceof DeviceError ? error.code : String(error);
    }
  };

  it('is one of several, each with an end of its own', () => {
    const keys = [record('old', 'aaa', { expiresAt: new Date(1) }), record('new', 'bbb')];
    expect(codeOf('aaa', keys)).toBe('old');
    expect(codeOf('bbb', keys)).toBe('new');
    expect(codeOf('ccc', keys)).toBe('api-key-wrong');
    expect(codeOf(undefined, keys)).toBe('api-key-missing');
    expect(codeOf('', keys)).toBe('api-key-missing');
    expect(codeOf('ddd', [record('gone', 'ddd', { expiresAt: new Date(0) })])).toBe('api-key-expired');
    expect(codeOf('eee', [record('out', 'eee', { blocked: true })])).toBe('api-key-blocked');
    expect(codeOf('anything', [])).toBe('api-key-wrong');
  });

  it.each(['model-a-apikey', 'Under_score1', 'x'.repeat(50), 'a_b-c_d-1'])('may be %s', (text) => {
    expect(parseApiKey(text)).toBe(text);
  });

  it.each([
    'short-1',
    'x'.repeat(51),
    '-leading1',
    'trailing1_',
    'two--hyphens',
    'two__scores',
    'with blank',
    'ümlaut-key',
  ])('is refused in one sentence, which does not repeat it: %s', (text) => {
    expect(() => parseApiKey(text)).toThrow(
      'cannot use that API key: use 8 to 50 letters and digits, with single hyphens or underscores between them',
    );
  });

  it('is not told by its digest without the pepper', () => {
    expect(apiKeyDigest('aaa', pepper)).not.toBe(apiKeyDigest('aaa', createSecretKey(Buffer.alloc(32))));
    expect(JSON.stringify(record('x', 'secret-key'))).not.toContain('secret-key');
  });
});

describe('a decision service', () => {
  it('is asked with names of the API and a signature over time and body', () => {
    const body = questionBody({
      brandId: 'acme',
      model: 'model-a',
      deviceKeyId: 'k',
      proposedSerial: undefined,
      address: '10.0.0.1',
      apiKeyName: 'first',
      body: '',
      requestId: 'r',
    });
    expect(JSON.parse(body)).toMatchObject({
      'brand-id': 'acme',
      'proposed-serial': null,
      'request-id': 'r',
    });
    expect(signQuestion(body, secret, new Date(5_000))).toMatch(/^t=5,v1=[0-9a-f]{64}$/);
    expect(signQuestion(body, secret, new Date(6_000))).not.toBe(
      signQuestion(body, secret, new Date(5_000)).replace('t=5', 't=6'),
    );
  });

  it('grants nothing by an answer that is not plainly yes', () => {
    expect(readAnswer('{"allow":true,"serial":"S-1"}')).toEqual({ allow: true, serial: 'S-1' });
    expect(readAnswer('{"allow":false}')).toEqual({ allow: false, serial: undefined });
    for (const text of [
      '',
      'true',
      '{}',
      '{"allow":1}',
      '{"allow":true,"serial":"a/b"}',
      '[{"allow":true}]',
    ]) {
      expect(() => readAnswer(text)).toThrow('no valid answer');
    }
  });
});

describe('a hardware proof', () => {
  const keyId = 'A'.repeat(64);
  it('is read from snapd’s field names, in base64url or hex', () => {
    const signature = Buffer.from('a signature of some length').toString('base64');
    const read = (id: string) =>
      readHardwareProof(JSON.stringify({ 'hardware-id-key-sha384': id, 'request-id-signature': signature }));
    expect(read(keyId)?.keyId).toBe(keyId);
    expect(read(Buffer.from(keyId, 'base64url').toString('hex'))?.keyId).toBe(keyId);
    expect(Buffer.from(read(keyId)?.signature ?? []).toString()).toBe('a signature of some length');
    expect(readHardwareProof('mac: 0')).toBeUndefined();
    expect(() => readHardwareProof(JSON.stringify({ 'hardware-id-key-sha384': keyId }))).toThrow(
      'both fields',
    );
    expect(() => read('short')).toThrow('SHA3-384');
  });
});

describe('an OpenPGP fingerprint', () => {
  it('is the SHA-1 of the key packet’s body with its own header (RFC 4880 12.2)', () => {
    // 0x01, then a packet with a one-octet length and the body 04 00.
    const encoded = Buffer.from([1, 0xc6, 2, 4, 0]).toString('base64');
    expect(openPgpFingerprint(encoded)).toBe('C62CE68657A0A5FBBA52F08876E13DA542D507A5');
  });
});
