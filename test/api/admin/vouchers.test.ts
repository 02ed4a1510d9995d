import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatTimestamp, signAssertion, text, type Assertion } from '../../../src/assertions/index.ts';
import { hardwareKeyId } from '../../../src/devices/index.ts';
import { openEnrolment, type TestEnrolment } from '../../support/enrolment.ts';

let enrolment: TestEnrolment;
let good: Assertion;

beforeAll(async () => {
  enrolment = await openEnrolment();
  good = await voucher(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey, 'good');
});

afterAll(() => enrolment.close());

async function voucher(publicKey: KeyObject, name: string): Promise<Assertion> {
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const hardwareKey = pem.split('\n').slice(1, -2).join('\n');
  const headers = {
    'authority-id': 'test-root',
    'issuer-id': 'test-root',
    manufacturer: 'Acme',
    'hardware-name': name,
    'hardware-id': `hw-${name}`,
    'hardware-id-key': hardwareKey,
    'hardware-id-key-sha3-384': hardwareKeyId(hardwareKey),
    timestamp: formatTimestamp(new Date()),
  };
  return signAssertion({ type: 'hardware-identity', headers }, enrolment.rig.chain.rootSigner, new Date());
}

const written = (...assertions: readonly Assertion[]) =>
  assertions.map(({ bytes }) => Buffer.from(bytes).toString()).join('\n');

describe('an import of vouchers', () => {
  it.each<[string, () => Promise<string>, string, RegExp]>([
    [
      'that nobody trusted signed',
      async () => written(good).replace('Acme', 'Evil'),
      'voucher-refused',
      /^cannot accept the voucher of good\/hw-good: cannot .*signature/,
    ],
    [
      'whose key is of a kind that no proof is checked with',
      async () => written(good, await voucher(generateKeyPairSync('ed25519').publicKey, 'odd')),
      'voucher-refused',
      /^cannot accept the voucher of odd\/hw-odd: cannot use the hardware-id-key: it is neither RSA nor ECDSA$/,
    ],
    [
      'with none in it',
      async () => written(...enrolment.rig.chain.brand),
      'vouchers-missing',
      /^cannot import vouchers: there is no hardware-identity assertion among what was sent$/,
    ],
    ['of an empty file', async () => '', 'vouchers-missing', /^cannot import vouchers: there is no /],
  ])('%s is refused in the gateway’s envelope, and changes nothing', async (_, body, code, sentence) => {
    const { admin } = enrolment;
    const refusal = await admin(400, 'POST', '/vouchers', await body());
    expect(refusal).toEqual({ 'error-list': [{ code, message: expect.stringMatching(sentence) }] });
    expect((await admin(200, 'GET', '/vouchers')).items).toEqual([]);
  });

  it('of what is no assertion at all says so', async () => {
    const refusal = await enrolment.admin(400, 'POST', '/vouchers', 'hello');
    expect(refusal['error-list'][0].message).toMatch(/^cannot /);
  });

  it('of good ones counts each once', async () => {
    const { admin } = enrolment;
    expect(await admin(201, 'POST', '/vouchers', written(good))).toEqual({ added: 1, unchanged: 0 });
    expect(await admin(201, 'POST', '/vouchers', written(good))).toEqual({ added: 0, unchanged: 1 });
    const { items } = await admin(200, 'GET', '/vouchers');
    expect(items).toMatchObject([
      { 'hardware-id-key-sha3-384': text(good, 'hardware-id-key-sha3-384'), 'hardware-name': 'good' },
    ]);
  });
});
