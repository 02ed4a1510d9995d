import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import {
  signAssertion,
  softwareSigner,
  type Assertion,
  type AssertionDraft,
  type HeaderValue,
  type Signer,
} from '../../src/assertions/index.ts';

const generateKey = promisify(generateKeyPair);

/** When everything in the world was made, and when its keys begin. */
export const MADE = '2024-01-01T00:00:00Z';
const SIGNED = new Date('2024-01-01T00:00:00Z');

/** A signer in memory with a small key, for tests. */
export async function testSigner(bits = 2048): Promise<Signer> {
  return softwareSigner((await generateKey('rsa', { modulusLength: bits })).privateKey);
}

/** Signs with whole seconds of a fixed time, so that equal drafts give equal bytes. */
export function signed(draft: AssertionDraft, signer: Signer): Promise<Assertion> {
  return signAssertion(draft, signer, SIGNED);
}

/** A private root of trust with accounts and keys below it, made by `makeWorld`. */
export interface AssertionWorld {
  readonly root: Signer;
  readonly store: Signer;
  readonly brand: Signer;
  readonly other: Signer;
  readonly device: Signer;
  readonly rootAccount: Assertion;
  readonly rootKey: Assertion;
  readonly storeKey: Assertion;
  readonly brandAccount: Assertion;
  readonly brandKey: Assertion;
  readonly otherAccount: Assertion;
  readonly otherKey: Assertion;
  readonly roots: readonly Assertion[];
  /** All but the roots. */
  readonly known: readonly Assertion[];
}

export const ROOT = 'my-root';
export const BRAND = 'my-brand';
export const OTHER = 'other-brand';

/** Makes an account assertion. */
export function accountDraft(id: string, extra: { [name: string]: HeaderValue } = {}): AssertionDraft {
  const headers = {
    'authority-id': ROOT,
    'account-id': id,
    'display-name': id,
    validation: 'verified',
    timestamp: MADE,
  };
  return { type: 'account', headers: { ...headers, ...extra } };
}

/** Makes an account-key assertion. */
export function accountKeyDraft(
  id: string,
  key: Signer,
  extra: { [name: string]: HeaderValue } = {},
): AssertionDraft {
  const headers = {
    'authority-id': ROOT,
    'account-id': id,
    'public-key-sha3-384': key.publicKey.keyId,
    name: 'default',
    since: MADE,
    ...extra,
  };
  return { type: 'account-key', headers, body: key.publicKey.encoded };
}

/** A root account with its root key, a store key below it, and two brands with a key each. */
export async function makeWorld(): Promise<AssertionWorld> {
  const [root, store, brand, other, device] = await Promise.all([1, 2, 3, 4, 5].map(() => testSigner())).then(
    asFive,
  );
  const rootAccount = await signed(accountDraft(ROOT), root);
  const rootKey = await signed(accountKeyDraft(ROOT, root, { name: 'root' }), root);
  const storeKey = await signed(accountKeyDraft(ROOT, store, { name: 'store' }), root);
  const brandAccount = await signed(accountDraft(BRAND), store);
  const brandKey = await signed(accountKeyDraft(BRAND, brand), store);
  const otherAccount = await signed(accountDraft(OTHER), store);
  const otherKey = await signed(accountKeyDraft(OTHER, other), store);
  const made = { rootAccount, rootKey, storeKey, brandAccount, brandKey, otherAccount, otherKey };
  return {
    ...{ root, store, brand, other, device },
    ...made,
    roots: [rootAccount, rootKey],
    known: [storeKey, brandAccount, brandKey, otherAccount, otherKey],
  };
}

function asFive(signers: readonly Signer[]): readonly [Signer, Signer, Signer, Signer, Signer] {
  const [a, b, c, d, e] = signers;
  if (a === undefined || b === undefined || c === undefined || d === undefined || e === undefined) {
    throw new Error('five signers are needed');
  }
  return [a, b, c, d, e];
}
