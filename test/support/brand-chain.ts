import { generateKeyPairSync } from 'node:crypto';
import {
  formatTimestamp,
  signAssertion,
  softwareSigner,
  type Assertion,
  type HeaderValue,
  type PublicKey,
  type Signer,
} from '../../src/assertions/index.ts';

const SINCE = new Date('2024-01-01T00:00:00Z');

/** A root of trust, a brand and what they sign, with keys in memory: small ones, for speed. */
export interface BrandChain {
  readonly brandId: string;
  readonly rootSigner: Signer;
  /** The root's account and account-key. */
  readonly roots: readonly Assertion[];
  /** The brand's account, and the account-key that its models are signed with. */
  readonly brand: readonly Assertion[];
  /** The key that signs the models. */
  readonly modelKey: PublicKey;
  model(name: string, extra?: Readonly<Record<string, HeaderValue>>): Promise<Assertion>;
  /** An account-key for any key; `extra` replaces its headers. */
  accountKey(key: PublicKey, name: string, extra?: Readonly<Record<string, HeaderValue>>): Promise<Assertion>;
  account(id: string): Promise<Assertion>;
}

/** A signer with a new key in memory. */
export function newSigner(bits = 2048): Signer {
  return softwareSigner(generateKeyPairSync('rsa', { modulusLength: bits }).privateKey);
}

/** Makes a chain for a brand. */
export async function makeBrandChain(brandId = 'my-brand'): Promise<BrandChain> {
  const rootSigner = newSigner();
  const modelSigner = newSigner();
  const account = (id: string) =>
    signAssertion(
      {
        type: 'account',
        headers: {
          'authority-id': 'test-root',
          'account-id': id,
          'display-name': id,
          username: id,
          validation: 'verified',
          timestamp: formatTimestamp(SINCE),
        },
      },
      rootSigner,
      SINCE,
    );
  const accountKey = (key: PublicKey, name: string, extra: Readonly<Record<string, HeaderValue>> = {}) =>
    signAssertion(
      {
        type: 'account-key',
        headers: {
          'authority-id': 'test-root',
          'account-id': brandId,
          name,
          'public-key-sha3-384': key.keyId,
          since: formatTimestamp(SINCE),
          ...extra,
        },
        body: key.encoded,
      },
      rootSigner,
      SINCE,
    );
  return {
    brandId,
    rootSigner,
    roots: [
      await account('test-root'),
      await accountKey(rootSigner.publicKey, 'root', { 'account-id': 'test-root' }),
    ],
    brand: [await account(brandId), await accountKey(modelSigner.publicKey, 'models')],
    accountKey,
    account,
    modelKey: modelSigner.publicKey,
    model: (name, extra = {}) =>
      signAssertion(
        {
          type: 'model',
          headers: {
            'authority-id': brandId,
            series: '16',
            'brand-id': brandId,
            model: name,
            architecture: 'amd64',
            gadget: 'pc',
            kernel: 'pc-kernel',
            base: 'core18',
            timestamp: formatTimestamp(SINCE),
            ...extra,
          },
        },
        modelSigner,
        SINCE,
      ),
  };
}
