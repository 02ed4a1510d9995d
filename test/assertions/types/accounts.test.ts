import { beforeAll, describe, expect, it } from 'vitest';
import type { Signer } from '../../../src/assertions/index.ts';
import { testSigner } from '../../support/assertion-world.ts';
import { draftsOf, TIMESTAMP, type DraftHeaders } from '../draft-text.ts';

const account = draftsOf('account', {
  'authority-id': 'root',
  'account-id': 'acme',
  'display-name': 'Acme Ltd',
  validation: 'verified',
  timestamp: TIMESTAMP,
});

describe('an account', () => {
  it('has a display name, a validation and a timestamp', () => {
    expect(account({ username: 'acme' }).primaryKey).toEqual(['acme']);
    expect(account({ validation: 'certified' }).type).toBe('account');
  });

  it.each<[string, DraftHeaders]>([
    ['an empty display name', { 'display-name': '' }],
    ['no display name', { 'display-name': undefined }],
    ['no validation', { validation: undefined }],
    ['a list as user name', { username: ['x'] }],
    ['a timestamp that is none', { timestamp: 'now' }],
  ])('with %s is refused', (_, changes) => {
    expect(() => account(changes)).toThrow(/^cannot accept the account assertion: /);
  });
});

describe('an account-key', () => {
  let key: Signer;
  let accountKey: ReturnType<typeof draftsOf>;
  let request: ReturnType<typeof draftsOf>;

  beforeAll(async () => {
    key = await testSigner();
    const { keyId, encoded } = key.publicKey;
    const headers = { 'account-id': 'acme', name: 'default', 'public-key-sha3-384': keyId, since: TIMESTAMP };
    accountKey = draftsOf('account-key', { 'authority-id': 'root', ...headers }, encoded);
    request = draftsOf('account-key-request', headers, encoded);
  });

  it('has a key as its body, under the id of that key', () => {
    expect(accountKey().primaryKey).toEqual([key.publicKey.keyId]);
    expect(() => accountKey({ 'public-key-sha3-384': 'other' })).toThrow(/not the id of the key in the body/);
    expect(() => accountKey({}, 'no key')).toThrow(expect.objectContaining({ code: 'key-malformed' }));
  });

  it('may be without a name, its request may not', () => {
    expect(accountKey({ name: undefined }).type).toBe('account-key');
    expect(() => request({ name: undefined })).toThrow(/"name" header is missing/);
    expect(request().authorityId).toBeUndefined();
  });

  it.each(['a', 'a1', '1a', 'a-b', '1-2-c'])('can be named %s', (name) => {
    expect(accountKey({ name }).type).toBe('account-key');
  });

  it.each(['', '1', 'A', 'a--b', '-a', 'a-', 'a b', 'ä'])('cannot be named %j', (name) => {
    expect(() => accountKey({ name })).toThrow(/"name" header/);
  });

  it('may end where it starts, and not before', () => {
    expect(accountKey({ until: TIMESTAMP }).type).toBe('account-key');
    expect(() => accountKey({ until: '2023-12-31T23:59:59Z' })).toThrow(/"until" header lies before "since"/);
    expect(() => accountKey({ until: '' })).toThrow(/"until" header is empty/);
    expect(() => request({ until: '2023-12-31T23:59:59Z' })).toThrow(/"until" header/);
  });

  it('may have constraints: maps of patterns, each with a plain type', () => {
    const constraints = (...headers: readonly { [name: string]: string }[]): DraftHeaders => ({
      constraints: headers.map((one) => ({ headers: one })),
    });
    expect(accountKey(constraints({ type: 'serial', model: 'a|b' }, { type: 'model' })).type).toBe(
      'account-key',
    );
    expect(() => accountKey(constraints({ model: 'a' }))).toThrow(/must name the "type"/);
    expect(() => accountKey(constraints({ type: 'ser.*' }))).toThrow(/must be plain/);
    expect(() => accountKey(constraints({ type: 'serial', model: '(' }))).toThrow(/not a regular expression/);
    expect(() => accountKey(constraints({ type: 'serial', model: '$SLOT(x)' }))).toThrow(/special value/);
    expect(() => accountKey({ constraints: 'serial' })).toThrow(/must be a list/);
    expect(() => accountKey({ constraints: ['serial'] })).toThrow(/must be a list of maps/);
    expect(() => accountKey({ constraints: [{ type: 'serial' }] })).toThrow(/has no "headers"/);
  });
});
