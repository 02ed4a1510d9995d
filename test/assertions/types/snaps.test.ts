import { describe, expect, it } from 'vitest';
import { hexToSnapSha3, snapSha3ToHex, type HeaderValue } from '../../../src/assertions/index.ts';
import { draftsOf, TIMESTAMP, type DraftHeaders } from '../draft-text.ts';

const DIGEST = Buffer.alloc(48, 3).toString('base64url');
const revision = draftsOf('snap-revision', {
  'authority-id': 'root',
  'snap-sha3-384': DIGEST,
  'snap-id': 'a'.repeat(32),
  'snap-size': '4096',
  'snap-revision': '7',
  'developer-id': 'acme',
  timestamp: TIMESTAMP,
});
const verity = {
  type: 'dm-verity',
  version: '1',
  'hash-algorithm': 'sha256',
  'data-block-size': '4096',
  'hash-block-size': '4096',
  digest: 'ab'.repeat(32),
  salt: '00'.repeat(32),
};

describe('a snap-revision', () => {
  it('is named by digest and provenance', () => {
    expect(revision().primaryKey).toEqual([DIGEST, 'global-upload']);
    expect(revision({ provenance: 'own' }).primaryKey).toEqual([DIGEST, 'own']);
  });

  it.each<[string, DraftHeaders]>([
    ['a short digest', { 'snap-sha3-384': DIGEST.slice(0, 60) }],
    ['a digest in hexadecimal', { 'snap-sha3-384': '00'.repeat(48) }],
    ['a bad provenance', { provenance: 'a b' }],
    ['a negative size', { 'snap-size': '-1' }],
    ['a size with a sign', { 'snap-size': '+1' }],
    ['a size beyond 64 bits', { 'snap-size': '18446744073709551616' }],
    ['a size with zeros in front', { 'snap-size': '01' }],
    ['revision 0', { 'snap-revision': '0' }],
    ['no developer', { 'developer-id': '' }],
    ['no snap id', { 'snap-id': '' }],
    ['a bad time', { timestamp: '12:30' }],
  ])('with %s is refused', (_, changes) => {
    expect(() => revision(changes)).toThrow(/^cannot accept the snap-revision assertion: /);
  });

  it('may say how its data is verified block by block', () => {
    const integrity = (changes: { [name: string]: HeaderValue }): (() => unknown) => {
      return () => revision({ integrity: [{ ...verity, ...changes }] });
    };
    expect(integrity({})).not.toThrow();
    for (const changes of [
      { type: 'other' },
      { version: '2' },
      { 'hash-algorithm': 'sha1' },
      { 'data-block-size': 'x' },
      { digest: 'ab' },
      { salt: 'zz'.repeat(32) },
    ]) {
      expect(integrity(changes)).toThrow(/integrity data/);
    }
    expect(() => revision({ integrity: 'x' })).toThrow(/must be a list/);
  });
});

describe('other statements about snaps', () => {
  it('a snap-build has a grade', () => {
    const build = draftsOf('snap-build', {
      'authority-id': 'acme',
      'snap-sha3-384': DIGEST,
      'snap-id': 'a',
      grade: 'devel',
      'snap-size': '1',
      timestamp: TIMESTAMP,
    });
    expect(build().primaryKey).toEqual([DIGEST]);
    expect(() => build({ grade: '' })).toThrow(/"grade"/);
  });

  it('a snap-developer lists times of developers, and a revocation stands alone', () => {
    const since = TIMESTAMP;
    const until = '2025-01-01T00:00:00Z';
    const developers = (...entries: readonly { [name: string]: HeaderValue }[]): (() => unknown) => {
      const headers = { 'authority-id': 'acme', 'snap-id': 'a', 'publisher-id': 'acme' };
      return () => draftsOf('snap-developer', headers)({ developers: entries });
    };
    const one = { 'developer-id': 'dev-1', since };
    expect(developers()).not.toThrow();
    expect(
      developers(one, { ...one, until }, { ...one, 'developer-id': 'dev-2', until: since }),
    ).not.toThrow();
    expect(developers({ ...one, until: since }, one)).toThrow(/must be its only entry/);
    expect(developers(one, { ...one, until: since })).toThrow(/must be its only entry/);
    expect(developers({ ...one, until: '2023-01-01T00:00:00Z' })).toThrow(/lies before "since"/);
    expect(developers({ ...one, 'developer-id': 'Not An Id' })).toThrow(/"developer-id"/);
    expect(developers({ 'developer-id': 'dev-1' })).toThrow(/"since" of a developer is missing/);
  });

  it('resources have names like snaps', () => {
    const common = { 'authority-id': 'root', 'snap-id': 'a', 'developer-id': 'acme', timestamp: TIMESTAMP };
    const resource = draftsOf('snap-resource-revision', {
      ...common,
      'resource-name': 'comp',
      'resource-sha3-384': DIGEST,
      'resource-size': '1',
      'resource-revision': '2',
    });
    const pair = draftsOf('snap-resource-pair', {
      ...common,
      'resource-name': 'comp',
      'resource-revision': '2',
      'snap-revision': '7',
    });
    expect(resource().primaryKey).toEqual(['a', 'comp', DIGEST, 'global-upload']);
    expect(pair().primaryKey).toEqual(['a', 'comp', '2', '7', 'global-upload']);
    for (const draft of [resource, pair])
      expect(() => draft({ 'resource-name': '-comp' })).toThrow(/not a valid name/);
    expect(() => pair({ 'snap-revision': '0' })).toThrow(/1 or more/);
  });

  it('digests go from base64url to hexadecimal and back', () => {
    expect(snapSha3ToHex(DIGEST)).toBe('03'.repeat(48));
    expect(hexToSnapSha3('03'.repeat(48))).toBe(DIGEST);
    expect(() => snapSha3ToHex('03'.repeat(48))).toThrow(/^cannot read the digest/);
    expect(() => hexToSnapSha3(DIGEST)).toThrow(/^cannot read the digest/);
  });
});
