import { beforeAll, describe, expect, it } from 'vitest';
import {
  decodeAssertion,
  signAssertion,
  suggestFormat,
  verifySignature,
  type AssertionDraft,
  type Signer,
} from '../../src/assertions/index.ts';
import { accountDraft, testSigner } from '../support/assertion-world.ts';

const AT = new Date('2024-05-06T07:08:09.999Z');

describe('signing', () => {
  let signer: Signer;

  beforeAll(async () => {
    signer = await testSigner();
  });

  async function contentOf(draft: AssertionDraft): Promise<readonly string[]> {
    return Buffer.from((await signAssertion(draft, signer, AT)).content)
      .toString()
      .split('\n');
  }

  it('writes meta headers, primary key, the rest by name, then length, key and body', async () => {
    const draft: AssertionDraft = {
      type: 'model',
      headers: {
        timestamp: '2024-01-01T00:00:00Z',
        revision: '3',
        model: 'pi',
        'brand-id': 'acme',
        series: '16',
        'authority-id': 'acme',
        classic: 'true',
        'display-name': 'A\nB',
        'serial-authority': ['other'],
        'empty-list': [],
      },
      body: 'ü\n',
    };
    expect(await contentOf(draft)).toEqual([
      'type: model',
      'authority-id: acme',
      'revision: 3',
      'series: 16',
      'brand-id: acme',
      'model: pi',
      'classic: true',
      'display-name:',
      '    A',
      '    B',
      'serial-authority:',
      '  - other',
      'timestamp: 2024-01-01T00:00:00Z',
      'body-length: 3',
      `sign-key-sha3-384: ${signer.publicKey.keyId}`,
      '',
      'ü',
      '',
    ]);
  });

  it('leaves out revision 0, format 0, an empty body, and a default part of the primary key', async () => {
    const digest = Buffer.alloc(48).toString('base64url');
    const draft: AssertionDraft = {
      type: 'snap-revision',
      headers: {
        'authority-id': 'root',
        revision: '0',
        format: '0',
        provenance: 'global-upload',
        'snap-sha3-384': digest,
        'snap-id': 'id',
        'snap-size': '1',
        'snap-revision': '1',
        'developer-id': 'dev',
        timestamp: '2024-01-01T00:00:00Z',
      },
      body: '',
    };
    const content = (await contentOf(draft)).join('\n');
    expect(content).not.toMatch(/^(revision|format|provenance|body-length)/m);
    const kept = { ...draft, headers: { ...draft.headers, provenance: 'own' } };
    expect((await contentOf(kept)).join('\n')).toMatch(/^provenance: own$/m);
  });

  it('gives the same bytes for the same draft, key and time', async () => {
    const [one, two] = await Promise.all([1, 2].map(() => signAssertion(accountDraft('acme'), signer, AT)));
    expect(one).toEqual(two);
    const later = await signAssertion(accountDraft('acme'), signer, new Date(AT.getTime() + 1000));
    expect(later.content).toEqual(one?.content);
    expect(later.signature).not.toEqual(one?.signature);
  });

  it('gives what decoding its bytes gives, signed with the key that it names', async () => {
    const made = await signAssertion({ ...accountDraft('acme'), body: Buffer.from('x') }, signer, AT);
    expect(decodeAssertion(made.bytes)).toEqual(made);
    expect(made.signKeyId).toBe(signer.publicKey.keyId);
    expect(() => verifySignature(made, signer.publicKey)).not.toThrow();
  });

  it('raises the format to what the content needs, and no further', async () => {
    const plugs = { network: { 'allow-installation': { 'on-store': ['my-store'] } } };
    const headers = {
      'authority-id': 'root',
      series: '16',
      'snap-id': 'id',
      'snap-name': 'app',
      'publisher-id': 'dev',
      timestamp: '2024-01-01T00:00:00Z',
    };
    const formatOf = async (extra: AssertionDraft['headers']): Promise<number> =>
      (await signAssertion({ type: 'snap-declaration', headers: { ...headers, ...extra } }, signer, AT))
        .format;
    expect(await formatOf({})).toBe(0);
    expect(await formatOf({ plugs: { network: 'true' } })).toBe(1);
    expect(await formatOf({ plugs })).toBe(3);
    expect(await formatOf({ plugs, format: '1' })).toBe(3);
    expect(await formatOf({ plugs, format: '5' })).toBe(5);
    await expect(formatOf({ format: '8' })).rejects.toThrow(
      expect.objectContaining({ code: 'format-unsupported' }),
    );
    expect(suggestFormat('snap-declaration', { plugs })).toBe(3);
  });

  it.each<[string, AssertionDraft]>([
    ['a broken rule', accountDraft('acme', { timestamp: 'yesterday' })],
    ['a missing header', { type: 'account', headers: { 'authority-id': 'root', 'account-id': 'acme' } }],
    ['a name that no header has', accountDraft('acme', { Bad_Name: 'x' })],
    ['a body that is not UTF-8', { ...accountDraft('acme'), body: Uint8Array.of(0xff) }],
    [
      'an authority where there is none',
      {
        type: 'device-session-request',
        headers: {
          'authority-id': 'a',
          'brand-id': 'b',
          model: 'm',
          serial: 's',
          nonce: 'n',
          timestamp: '2024-01-01T00:00:00Z',
        },
      },
    ],
  ])('refuses %s', async (_, draft) => {
    await expect(signAssertion(draft, signer, AT)).rejects.toThrow(/^cannot /);
  });

  it('does not hand out a signature that does not verify', async () => {
    const broken: Signer = {
      publicKey: signer.publicKey,
      signDigest: async () => new Uint8Array(256).fill(1),
    };
    await expect(signAssertion(accountDraft('acme'), broken, AT)).rejects.toThrow(
      expect.objectContaining({ code: 'signature-invalid' }),
    );
  });
});
