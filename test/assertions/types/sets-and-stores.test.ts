import { describe, expect, it } from 'vitest';
import type { HeaderValue } from '../../../src/assertions/index.ts';
import { draftsOf, TIMESTAMP, type DraftHeaders } from '../draft-text.ts';

const id = (letter: string): string => letter.repeat(32);

describe('a validation-set', () => {
  const set = draftsOf('validation-set', {
    'authority-id': 'acme',
    series: '16',
    'account-id': 'acme',
    name: 'base-set',
    sequence: '2',
    snaps: [{ name: 'app', id: id('a') }],
    timestamp: TIMESTAMP,
  });
  const withSnap = (snap: { [name: string]: HeaderValue }): (() => unknown) => {
    return () => set({ snaps: [{ name: 'app', id: id('a'), ...snap }] });
  };

  it('is signed by its account and counted', () => {
    expect(set().primaryKey).toEqual(['16', 'acme', 'base-set', '2']);
    expect(() => set({ 'authority-id': 'other' })).toThrow(/must equal "authority-id"/);
    for (const sequence of ['0', '-1', '01', 'x'])
      expect(() => set({ sequence })).toThrow(/"sequence" header/);
    expect(() => set({ name: 'Base' })).toThrow(/"name"/);
    expect(() => set({ snaps: undefined })).toThrow(/"snaps" header is missing/);
    expect(() => set({ snaps: 'app' })).toThrow(/must be a list/);
  });

  it('gives each snap a presence, a revision and components that go together', () => {
    expect(withSnap({ presence: 'optional', revision: '3' })).not.toThrow();
    expect(withSnap({ components: { comp: 'required' } })).not.toThrow();
    expect(
      withSnap({ revision: '3', components: { comp: { presence: 'required', revision: '1' } } }),
    ).not.toThrow();
    expect(withSnap({ revision: '3', components: { comp: 'invalid' } })).not.toThrow();
    expect(withSnap({ presence: 'maybe' })).toThrow(/"presence" of snap/);
    expect(withSnap({ presence: 'invalid', revision: '3' })).toThrow(/its presence is invalid/);
    expect(withSnap({ revision: '3', components: { comp: 'required' } })).toThrow(
      /missing though its snap has one/,
    );
    expect(withSnap({ components: { comp: { presence: 'required', revision: '1' } } })).toThrow(
      /its snap has none/,
    );
    expect(withSnap({ revision: '3', components: { comp: { presence: 'invalid', revision: '1' } } })).toThrow(
      /invalid presence/,
    );
    expect(withSnap({ components: { comp: { revision: '1' } } })).toThrow(/is missing/);
    expect(withSnap({ components: { comp: ['x'] } })).toThrow(/must be a map or a presence/);
    expect(withSnap({ components: { c: 'required' } })).toThrow(/not a valid component name/);
    expect(withSnap({ id: 'short' })).toThrow(/"id" of snap/);
    expect(withSnap({ name: 'A' })).toThrow(/not a valid snap name/);
  });

  it('names each snap and each id once', () => {
    const other = { name: 'other', id: id('b') };
    expect(() => set({ snaps: [{ name: 'app', id: id('a') }, other] })).not.toThrow();
    expect(() => set({ snaps: [other, other] })).toThrow(/appears twice/);
    expect(() => set({ snaps: [other, { ...other, name: 'app' }] })).toThrow(/snap id .* appears twice/);
  });
});

describe('a validation', () => {
  it('may be revoked', () => {
    const validation = draftsOf('validation', {
      'authority-id': 'acme',
      series: '16',
      'snap-id': 'a',
      'approved-snap-id': 'b',
      'approved-snap-revision': '4',
      timestamp: TIMESTAMP,
    });
    expect(validation({ revoked: 'true' }).primaryKey).toEqual(['16', 'a', 'b', '4']);
    expect(() => validation({ revoked: 'yes' })).toThrow(/"true" or "false"/);
    expect(() => validation({ 'approved-snap-revision': '0' })).toThrow(/1 or more/);
  });
});

describe('a store', () => {
  const store = draftsOf('store', {
    'authority-id': 'root',
    store: 'my-store',
    'operator-id': 'acme',
    timestamp: TIMESTAMP,
  });

  it.each([
    'http://store.example',
    'https://store.example:8443/',
    'https://user@store.example/path/%20',
    'http://[::1]:80/',
    'HTTP://store.example',
    '',
  ])('can be at %j', (url) => {
    expect(store({ url, 'friendly-stores': ['other'], location: 'here' }).primaryKey).toEqual(['my-store']);
  });

  it.each([
    'ftp://store.example',
    'store.example',
    'http://',
    'http:///path',
    'https://store.example/?a=b',
    'https://store.example/#part',
    'http://store.example:port/',
    'http://a b/',
    'http://store.example/%zz',
    'http://store.example/\u0007',
  ])('cannot be at %j', (url) => {
    expect(() => store({ url })).toThrow(/"url" header/);
  });

  it('is run by an operator', () => {
    expect(() => store({ 'operator-id': '' })).toThrow(/"operator-id"/);
    expect(() => store({ 'friendly-stores': 'other' })).toThrow(/must be a list of texts/);
  });
});

describe('a system-user', () => {
  const user = draftsOf('system-user', {
    'authority-id': 'acme',
    'brand-id': 'acme',
    email: 'foo@example.com',
    models: ['pi'],
    username: 'foo',
    since: TIMESTAMP,
    until: '2024-06-01T00:00:00Z',
  });

  it.each<[string, DraftHeaders]>([
    ['a display name in the address', { email: 'Foo <foo@example.com>' }],
    ['a hashed password', { password: '$6$salt$hash', 'force-password-change': 'true' }],
    ['a hashed password with rounds', { password: '$6$rounds=5000$salt$hash' }],
    ['serials, at format 1', { serials: ['SN-1'], format: '1' }],
    ['a user that ends, at format 2', { 'user-presence': 'until-expiration', format: '2' }],
    ['no models, for a year', { models: undefined, until: '2025-01-01T00:00:00Z' }],
  ])('may have %s', (_, changes) => {
    expect(user(changes).type).toBe('system-user');
  });

  it.each<[string, DraftHeaders, RegExp]>([
    ['no address', { email: 'foo' }, /not a mail address/],
    ['a bad user name', { username: 'Foo' }, /"username"/],
    ['a plain password', { password: 'secret' }, /not of the form/],
    ['a weak hash', { password: '$1$salt$hash' }, /hash 6/],
    ['few rounds', { password: '$6$rounds=10$salt$hash' }, /rounds out of bounds/],
    ['a bad salt', { password: '$6$s!$hash' }, /invalid salt/],
    ['a bad hash', { password: '$6$salt$h!' }, /invalid hash/],
    ['a forced change without a password', { 'force-password-change': 'true' }, /needs a "password"/],
    ['serials at format 0', { serials: ['SN-1'] }, /needs format 1/],
    ['serials of two models', { serials: ['SN-1'], models: ['a', 'b'], format: '1' }, /exactly one model/],
    ['a presence at format 1', { 'user-presence': 'until-expiration', format: '1' }, /needs format 2/],
    ['an unknown presence', { 'user-presence': 'always', format: '2' }, /can be "until-expiration" only/],
    ['an end before the start', { until: '2023-01-01T00:00:00Z' }, /lies before "since"/],
    ['no models, for longer', { models: undefined, until: '2025-01-01T00:00:01Z' }, /more than a year/],
  ])('with %s is refused', (_, changes, words) => {
    expect(() => user(changes)).toThrow(words);
  });
});
