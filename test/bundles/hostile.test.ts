import { randomBytes } from 'node:crypto';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BundleError,
  DEFAULT_LIMITS,
  encodeManifest,
  sha3Of,
  unpackBundle,
  type BundleLimits,
  type Manifest,
} from '../../src/bundles/index.ts';
import { parseManifest } from '../../src/bundles/layouts.ts';
import { runCli } from '../support/cli.ts';
import {
  filesUnder,
  honestMembers,
  newSigner,
  raw,
  rawArchive,
  sampleStore,
  scratch,
  type RawMember,
} from './sample.ts';

const SMALL = 'assertions/store.assert';
const SNAP = 'snaps/snap-1_1.snap';

/** What a refused archive must say: its code, and the member where one is at fault. */
interface Refusal {
  readonly code: string;
  readonly member?: string;
}

async function refuse(path: string, refusal: Refusal, limits: BundleLimits = DEFAULT_LIMITS): Promise<void> {
  const folder = join(await scratch(), 'staging');
  const error = await unpackBundle(path, { folder, limits }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(BundleError);
  expect(error).toMatchObject(refusal);
  expect(error).toMatchObject({ message: expect.stringMatching(/^cannot /) });
  expect(await filesUnder(folder)).toEqual([]);
  const isArchive = path.endsWith('.tar.gz') && limits === DEFAULT_LIMITS;
  if (isArchive && error instanceof Error) await inspectSays(path, error.message);
}

/** Whoever looks at an archive before it is carried is told what a push would be told. */
async function inspectSays(path: string, message: string): Promise<void> {
  const { status, stdout, stderr } = await runCli('airlock', ['inspect', path]);
  expect({ stdout, stderr }).toEqual({ stdout: '', stderr: `error: ${message}\n` });
  expect(status).not.toBe(0);
}

async function refuseMembers(
  change: (members: RawMember[]) => RawMember[] | Promise<RawMember[]>,
  refusal: Refusal,
  limits?: BundleLimits,
): Promise<void> {
  const path = join(await scratch(), 'a.tar.gz');
  await rawArchive(path, await change(await honestMembers(await newSigner())));
  await refuse(path, refusal, limits);
}

const replaced = (members: RawMember[], name: string, by: (member: RawMember) => RawMember): RawMember[] =>
  members.map((member) => (member.header.name === name ? by(member) : member));

function restOf(manifest: Manifest): NonNullable<Manifest['restsOn']> {
  if (manifest.restsOn === undefined) throw new Error('it rests on nothing');
  return manifest.restsOn;
}

function leftOutOf(manifest: Manifest, over: object = {}) {
  return restOf(manifest).members.map((member) => ({ ...member, ...over }));
}

describe('an archive is refused, and leaves nothing, when', () => {
  test('a byte of a snap was flipped', () =>
    refuseMembers(
      (members) =>
        replaced(members, SNAP, ({ bytes }) => {
          const flipped = Buffer.from(bytes ?? []);
          flipped[5] = (flipped[5] ?? 0) ^ 1;
          return raw(SNAP, flipped);
        }),
      { code: 'member-digest-wrong', member: SNAP },
    ));

  test('two snaps were swapped', () =>
    refuseMembers(
      (members) => {
        const [one, two] = ['snaps/snap-0_1.snap', SNAP].map((name) =>
          members.find(({ header }) => header.name === name),
        );
        return members.map((member) =>
          member === one ? raw('snaps/snap-0_1.snap', two?.bytes ?? Buffer.of()) : member,
        );
      },
      { code: 'member-size-wrong', member: 'snaps/snap-0_1.snap' },
    ));

  test.each([
    ['symbolic link', 'symlink'],
    ['hard link', 'link'],
    ['device', 'character-device'],
    ['pipe', 'fifo'],
    ['folder', 'directory'],
  ] as const)('it holds a %s', (_, type) =>
    refuseMembers(
      (members) =>
        replaced(members, SMALL, () => ({ header: { name: SMALL, type, linkname: '/etc/passwd' } })),
      { code: 'member-type-refused', member: SMALL },
    ),
  );

  test.each(['../escape', '/etc/cron.d/x', 'snaps/../../x', 'snaps\\..\\x'])(
    'a path leads out of it: %s',
    (name) =>
      refuseMembers((members) => [...members, raw(name, Buffer.from('x'))], {
        code: 'member-name-refused',
        member: name,
      }),
  );

  test('a member comes twice', () =>
    refuseMembers((members) => [...members, raw(SMALL, Buffer.from('type: store\n'))], {
      code: 'member-duplicate',
      member: SMALL,
    }));

  test('a member is not on the manifest', () =>
    refuseMembers((members) => [...members, raw('snaps/extra_1.snap', Buffer.from('x'))], {
      code: 'member-unlisted',
      member: 'snaps/extra_1.snap',
    }));

  test('a member of the manifest is missing', () =>
    refuseMembers((members) => members.filter(({ header }) => header.name !== SMALL), {
      code: 'member-missing',
      member: SMALL,
    }));

  test('a size differs from the manifest', () =>
    refuseMembers(
      (members) => replaced(members, SMALL, () => raw(SMALL, Buffer.from('longer than it was'))),
      {
        code: 'member-size-wrong',
        member: SMALL,
      },
    ));

  test('there is no manifest', () =>
    refuseMembers((members) => members.slice(1), { code: 'manifest-missing', member: 'manifest.json' }));

  test('the manifest comes late', () =>
    refuseMembers((members) => [members[2], members[0], members[1]].filter((one) => one !== undefined), {
      code: 'manifest-missing',
    }));

  test('the manifest has no signature', () =>
    refuseMembers((members) => members.slice(0, 1), { code: 'manifest-unsigned', member: 'manifest.jws' }));

  test('the signature is of another key than the manifest names', () =>
    refuseMembers(
      async (members) => {
        const other = await newSigner();
        return replaced(members, 'manifest.jws', () => raw('manifest.jws', Buffer.from('')))
          .slice(0, 1)
          .concat(raw('manifest.jws', Buffer.from(await other.sign(members[0]?.bytes ?? Buffer.of()))));
      },
      { code: 'manifest-signature-invalid', member: 'manifest.jws' },
    ));

  test('the signature is of another manifest', () =>
    refuseMembers(
      (members) =>
        replaced(members, 'manifest.json', ({ bytes }) =>
          raw(
            'manifest.json',
            Buffer.from(
              Buffer.from(bytes ?? [])
                .toString()
                .replace('A snap.', 'A trap.'),
            ),
          ),
        ),
      { code: 'manifest-signature-invalid', member: 'manifest.jws' },
    ));

  test('the layout is of a later version', async () => {
    const signer = await newSigner();
    const bytes = Buffer.from(
      Buffer.from(encodeManifest(sampleStore(signer.fingerprint).manifest))
        .toString()
        .replace('"version": 1', '"version": 9'),
    );
    const path = join(await scratch(), 'a.tar.gz');
    await rawArchive(path, [
      raw('manifest.json', bytes),
      raw('manifest.jws', Buffer.from(await signer.sign(bytes))),
    ]);
    await refuse(path, { code: 'layout-unknown', member: 'manifest.json' });
  });

  test('its manifest is not what a manifest is', async () => {
    const signer = await newSigner();
    for (const text of ['{}', '[]', 'x', '{"format":"airlock-bundle","version":1}']) {
      const path = join(await scratch(), 'a.tar.gz');
      const bytes = Buffer.from(text);
      await rawArchive(path, [
        raw('manifest.json', bytes),
        raw('manifest.jws', Buffer.from(await signer.sign(bytes))),
      ]);
      await refuse(path, { code: 'manifest-invalid', member: 'manifest.json' });
    }
  });

  test.each([
    ['layout 1 leaves files out', (manifest: Manifest) => ({ ...manifest, version: 1 as const })],
    [
      'layout 2 says what it awaits',
      (manifest: Manifest) => ({ ...manifest, awaits: [{ snapId: 'abc', name: 'abc' }] }),
    ],
    [
      'layout 2 says with whom a store is shared',
      (manifest: Manifest) => ({
        ...manifest,
        stores: manifest.stores.map((store) => ({ ...store, sharedWith: ['other-brand'] })),
      }),
    ],
    [
      'layout 3 says whose sub-store a store is',
      (manifest: Manifest) => ({
        ...manifest,
        version: 3 as const,
        stores: manifest.stores.map((store) => ({ ...store, parent: 'brand-main' })),
      }),
    ],
    [
      'a file is left out and comes along',
      (manifest: Manifest) => ({ ...manifest, members: [...manifest.members, ...leftOutOf(manifest)] }),
    ],
    [
      'a file is left out that belongs to no snap',
      (manifest: Manifest) => ({
        ...manifest,
        restsOn: { ...restOf(manifest), members: leftOutOf(manifest, { name: 'snaps/other_1.snap' }) },
      }),
    ],
    [
      'assertions are left out',
      (manifest: Manifest) => ({
        ...manifest,
        restsOn: {
          ...restOf(manifest),
          members: [...leftOutOf(manifest), { name: 'keys/more.assert', size: 1, digest: '0'.repeat(96) }],
        },
      }),
    ],
    [
      'the digest of what is left out is not that of the revision',
      (manifest: Manifest) => ({
        ...manifest,
        restsOn: { ...restOf(manifest), members: leftOutOf(manifest, { digest: '0'.repeat(96) }) },
      }),
    ],
    [
      'a component goes with no revision',
      (manifest: Manifest) => {
        const component = {
          name: 'drivers',
          type: 'component/standard',
          revision: 1,
          version: '1',
          description: '',
          digest: '0'.repeat(96),
          size: 1,
          createdAt: manifest.createdAt,
          member: 'snaps/snap-0+drivers_1.comp',
        };
        return {
          ...manifest,
          members: [...manifest.members, { name: component.member, size: 1, digest: component.digest }],
          snaps: manifest.snaps.map((snap, index) =>
            index === 0 ? { ...snap, components: [component] } : snap,
          ),
        };
      },
    ],
  ])('%s', async (_, change) => {
    const signer = await newSigner();
    const { manifest } = sampleStore(signer.fingerprint);
    const resting: Manifest = {
      ...manifest,
      version: 2,
      members: manifest.members.filter(({ name }) => name !== 'snaps/snap-0_1.snap'),
      restsOn: {
        kind: 'time',
        digest: null,
        at: manifest.createdAt,
        members: manifest.members.filter(({ name }) => name === 'snaps/snap-0_1.snap'),
      },
    };
    expect(parseManifest(encodeManifest(resting)).manifest).toEqual(resting);
    const wrong = () => parseManifest(encodeManifest(change(resting)));
    expect(wrong).toThrow(expect.objectContaining({ code: 'manifest-invalid' }));
    expect(wrong).toThrow(/^cannot accept manifest\.json: /);
  });

  test('it has more members than the limit', () =>
    refuseMembers((members) => members, { code: 'bundle-too-large' }, { ...DEFAULT_LIMITS, members: 4 }));

  test('its members are larger than the limit', () =>
    refuseMembers(
      (members) => members,
      { code: 'bundle-too-large' },
      { ...DEFAULT_LIMITS, totalBytes: 100_000 },
    ));

  test('one snap is larger than the limit', () =>
    refuseMembers(
      (members) => members,
      { code: 'bundle-too-large', member: SNAP },
      { ...DEFAULT_LIMITS, snapBytes: 500_000 },
    ));

  test('the assertions of one snap are larger than the limit, which other streams may pass', async () => {
    const long = Buffer.alloc(DEFAULT_LIMITS.snapAssertionBytes + 1, 'x');
    const signer = await newSigner();
    const grown = async (name: string) => {
      const { manifest, contents } = sampleStore(signer.fingerprint);
      contents.set(name, long);
      const members = manifest.members.map((member) =>
        member.name === name ? { name, size: long.byteLength, digest: sha3Of(long) } : member,
      );
      const path = join(await scratch(), 'a.tar.gz');
      await rawArchive(path, await honestMembers(signer, { manifest: { ...manifest, members }, contents }));
      return path;
    };
    const ofSnap = 'snaps/snap-1_1.assert';
    await refuse(await grown(ofSnap), { code: 'bundle-too-large', member: ofSnap });
    const { manifest } = await unpackBundle(await grown(SMALL), { folder: await scratch() });
    expect(manifest.members.find(({ name }) => name === SMALL)?.size).toBe(long.byteLength);
  });

  test('it is a bomb of zeros behind its last member', async () => {
    const path = join(await scratch(), 'a.tar.gz');
    await rawArchive(path, await honestMembers(await newSigner()));
    const plain = gunzipSync(await readFile(path));
    await writeFile(path, gzipSync(Buffer.concat([plain, Buffer.alloc(64 * 2 ** 20)])));
    await refuse(path, { code: 'bundle-too-large' });
  });

  test('it is a bomb before its manifest', async () => {
    const path = join(await scratch(), 'a.tar.gz');
    await writeFile(path, gzipSync(Buffer.alloc(128 * 2 ** 20)));
    await refuse(path, { code: 'bundle-too-large' });
  });

  test('it is cut off anywhere', async () => {
    const path = join(await scratch(), 'a.tar.gz');
    await rawArchive(path, await honestMembers(await newSigner()));
    const whole = await readFile(path);
    for (const share of [0.001, 0.01, 0.3, 0.9, 0.9999]) {
      await writeFile(path, whole.subarray(0, Math.max(2, Math.floor(whole.length * share))));
      await refuse(path, { code: 'bundle-truncated' });
    }
    for (const bytes of [1, 4, 8]) {
      await writeFile(path, whole.subarray(0, whole.length - bytes));
      await refuse(path, { code: 'bundle-truncated' });
    }
  });

  test('something is behind it', async () => {
    const path = join(await scratch(), 'a.tar.gz');
    await rawArchive(path, await honestMembers(await newSigner()));
    const whole = await readFile(path);
    for (const more of [Buffer.of(0), randomBytes(100), whole]) {
      await writeFile(path, Buffer.concat([whole, more]));
      await refuse(path, { code: 'bundle-not-an-archive' });
    }
  });

  test('it is no archive', async () => {
    const path = join(await scratch(), 'a.tar.gz');
    await writeFile(path, 'PK\u0003\u0004 something else');
    await refuse(path, { code: 'bundle-not-an-archive' });
    await writeFile(path, gzipSync(randomBytes(100_000)));
    await refuse(path, { code: 'bundle-not-an-archive' });
    await writeFile(path, '');
    await refuse(path, { code: 'bundle-not-an-archive' });
  });

  test('it does not exist, or is a folder', async () => {
    const folder = await scratch();
    await refuse(join(folder, 'absent'), { code: 'bundle-unreadable' });
    await refuse(folder, { code: 'bundle-unreadable' });
  });
});

test('whatever bytes are changed, the reader ends with a clear refusal or with the very members that were exported', async () => {
  const folder = await scratch();
  const path = join(folder, 'a.tar.gz');
  const spoilt = join(folder, 'b.tar.gz');
  const signer = await newSigner();
  const sample = sampleStore(signer.fingerprint, [2000, 3000]);
  await rawArchive(path, await honestMembers(signer, sample));
  const compressed = await readFile(path);
  const plain = gunzipSync(compressed);
  const stored = gzipSync(plain, { level: 0 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ at: fc.nat(plain.length - 1), to: fc.integer({ min: 0, max: 255 }) }), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.constantFrom('in the tar archive', 'in the file', 'in a file of stored blocks'),
      async (changes, where) => {
        const inside = where === 'in the tar archive';
        const bytes = Buffer.from(inside ? plain : where === 'in the file' ? compressed : stored);
        for (const { at, to } of changes) bytes[at % bytes.length] = to;
        const file = await open(spoilt, 'w');
        await file.writeFile(inside ? gzipSync(bytes, { level: 0 }) : bytes);
        await file.close();
        const staging = join(folder, 'staging');
        try {
          const head = await unpackBundle(spoilt, { folder: staging });
          expect(head.manifest).toEqual(sample.manifest);
        } catch (error) {
          expect(error).toBeInstanceOf(BundleError);
          expect(await filesUnder(staging)).toEqual([]);
        }
      },
    ),
    { numRuns: 300 },
  );
});
