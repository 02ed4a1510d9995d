import { gzipSync } from 'node:zlib';
import { encodeStream } from '../../src/assertions/index.ts';
import { newSigner, raw } from '../bundles/sample.ts';
import { makeBrandChain } from '../support/brand-chain.ts';
import { holding, MEMBERS, pairOf, retyped, saying, sayingOf } from './carried-exports.ts';
import { and, bytesOf, flipped, replaced, without, withPax, type Logged } from './hostile-case.ts';

const MiB = 2 ** 20;
const { newSnap: SNAP, newAssertions: SNAP_ASSERTIONS, shared: SHARED } = MEMBERS;

const NOT_TRUSTED =
  /: cannot trust account-key \S+: it is the root of test-root, which is not trusted here; compare this fingerprint with what its authority says, then run "airlock trust add FILE"$/;

/** Files whose head is sound: the durable process refuses them, and writes down why. */
export const refusedByProcess: readonly Logged[] = [
  {
    what: 'a bomb of zeros behind its last member',
    file: (carried) => carried.repacked((tar) => Buffer.concat([tar, Buffer.alloc(4 * MiB)])),
    says: 'cannot accept the archive: it unpacks to more than its manifest lists (after "snaps/snapd_9.assert")',
    code: 'bundle-too-large',
    status: 7,
  },
  {
    what: 'a snap that is a bomb',
    file: (carried) => carried.spoilt(replaced(SNAP, () => raw(SNAP, Buffer.alloc(32 * MiB)))),
    says: 'cannot accept "snaps/my-app_3.snap": it has 33554432 bytes where the manifest says 200704',
    code: 'member-size-wrong',
    status: 2,
  },
  ...['../escape', '/etc/cron.d/x', 'snaps\\..\\x'].map((name): Logged => ({
    what: `a path that leads out: ${name}`,
    file: (carried) => carried.spoilt(and(raw(name, Buffer.from('x')))),
    says: `cannot accept ${JSON.stringify(name)}: its path leads out of the archive`,
    code: 'member-name-refused',
    status: 2,
  })),
  {
    what: 'a path that leads out, by an extended header',
    file: (carried) =>
      carried.spoilt(
        and({
          header: { name: 'snaps/fine_1.snap', pax: { path: '../../escape' } },
          bytes: Buffer.from('x'),
        }),
      ),
    says: 'cannot accept "../../escape": its path leads out of the archive',
    code: 'member-name-refused',
    status: 2,
  },
  {
    what: 'a size that an extended header gives anew',
    file: (carried) => carried.spoilt(replaced(SNAP, ({ bytes }) => withPax(bytes, { size: '201216' }))),
    says: 'cannot accept "snaps/my-app_3.snap": it has 201216 bytes where the manifest says 200704',
    code: 'member-size-wrong',
    status: 2,
  },
  {
    what: 'a size in an extended header that is no number',
    file: (carried) => carried.spoilt(replaced(SNAP, ({ bytes }) => withPax(bytes, { size: '-1' }))),
    says: 'cannot read the archive: it is not a tar archive in or after "snaps/my-app_2.assert"',
    code: 'bundle-not-an-archive',
    status: 2,
  },
  ...(
    [
      ['symbolic link', 'symlink'],
      ['hard link', 'link'],
      ['character device', 'character-device'],
      ['pipe', 'fifo'],
      ['folder', 'directory'],
    ] as const
  ).map(([what, type]): Logged => ({
    what: `a ${what}`,
    file: (carried) =>
      carried.spoilt(replaced(SNAP, () => ({ header: { name: SNAP, type, linkname: '/etc/passwd' } }))),
    says: `cannot accept "snaps/my-app_3.snap": it is a ${type}, and an archive holds plain files only`,
    code: 'member-type-refused',
    status: 2,
  })),
  {
    what: 'a sparse file',
    file: (carried) => carried.repacked((tar) => retyped(tar, SNAP, 'S')),
    says: 'cannot accept "snaps/my-app_3.snap": it is a member of unknown type, and an archive holds plain files only',
    code: 'member-type-refused',
    status: 2,
  },
  {
    what: 'a member twice',
    file: (carried) => carried.spoilt(and(raw(SHARED, Buffer.from('type: store\n')))),
    says: 'cannot accept "assertions/store.assert": the archive holds it twice',
    code: 'member-duplicate',
    status: 2,
  },
  ...[
    ['that differs in case', 'snaps/My-App_3.snap'],
    ['with a letter that looks the same', 'snaps/my-\u0430pp_3.snap'],
    ['with a control character', 'snaps/my-app_3.snap\u001b[2J'],
    ['composed in another way', 'snaps/my-app\u0301_3.snap'],
    ['of a prototype', '__proto__'],
  ].map(([what, name = '']): Logged => ({
    what: `a member with a name ${what}`,
    file: (carried) => carried.spoilt(and(raw(name, Buffer.from('x')))),
    says: `cannot accept ${JSON.stringify(name)}: the manifest does not list it`,
    code: 'member-unlisted',
    status: 2,
  })),
  {
    what: 'a blob in the place of another',
    file: (carried) =>
      carried.spoilt(replaced(SNAP, () => raw(SNAP, flipped(bytesOf(carried.draft, SNAP), 100_000)))),
    says: 'cannot accept "snaps/my-app_3.snap": its bytes are not those that were exported (SHA3-384 differs)',
    code: 'member-digest-wrong',
    status: 2,
  },
  {
    what: 'a member less than its manifest lists',
    file: (carried) => carried.spoilt(without(SNAP)),
    says: 'cannot accept the archive: "snaps/my-app_3.snap" is missing, which the manifest lists',
    code: 'member-missing',
    status: 2,
  },
  {
    what: 'a gzip file that is cut off',
    file: (carried) => carried.changed((file) => file.subarray(0, file.length - 50_000)),
    says: 'cannot read the archive: it is cut off in or after "snaps/my-app_3.snap"; copy it again',
    code: 'bundle-truncated',
    status: 2,
  },
  {
    what: 'a gzip file whose last byte is missing',
    file: (carried) => carried.changed((file) => file.subarray(0, file.length - 1)),
    says: 'cannot read the archive: it is cut off in or after "snaps/snapd_9.assert"; copy it again',
    code: 'bundle-truncated',
    status: 2,
  },
  ...[
    ['something behind the gzip file', Buffer.from('x')],
    ['a second gzip member behind the first', gzipSync('more')],
  ].map(([what, more = '']): Logged => ({
    what: String(what),
    file: (carried) => carried.changed((file) => Buffer.concat([file, Buffer.from(more)])),
    says: 'cannot read the archive: it is damaged in or after "snaps/snapd_9.assert"; copy it again',
    code: 'bundle-not-an-archive',
    status: 2,
  })),
  {
    what: 'a manifest that another machine signed',
    file: async (carried) => {
      const signer = await newSigner();
      return carried.signed(saying(carried.draft, { exporter: signer.fingerprint }), signer);
    },
    says: /^cannot accept the archive: it was exported with the key (\S+), and earlier ones for this store with \S+; if the exporting machine changed, compare the new fingerprint there and push again with --exporter \1$/,
    code: 'exporter-foreign',
    status: 4,
  },
  {
    what: 'an older export than the newest',
    file: (carried) => carried.signed(saying(carried.draft, { createdAt: '2026-02-28T00:00:00.000Z' })),
    says: 'cannot accept the archive: it was exported at 2026-02-28T00:00:00.000Z, and one of 2026-03-01T00:00:00.000Z was imported already; to go back push with --allow-older',
    code: 'bundle-stale',
    status: 6,
  },
  {
    what: 'a store that it claims for another brand',
    file: (carried) =>
      carried.signed(
        saying(carried.draft, {
          stores: carried.draft.manifest.stores.map((store) =>
            store.brandId === null ? store : { ...store, brandId: 'mallory' },
          ),
        }),
      ),
    says: "cannot accept the archive: it claims store brand-devices for mallory, and here it is my-brand's",
    code: 'store-of-other-brand',
    status: 4,
  },
  {
    what: 'a snap of a store that is not of its brand',
    file: (carried) =>
      carried.signed(sayingOf(carried.draft, 'my-app', (snap) => ({ ...snap, store: 'other-store' }))),
    says: 'cannot accept snap my-app: it is of store other-store, which is not of this brand',
    code: 'snap-of-other-store',
    status: 4,
  },
  {
    what: 'other bytes for a revision that is here',
    file: (carried) =>
      carried.signed(holding(carried.draft, 'snaps/my-app_2.snap', Buffer.from('hsqs other bytes'))),
    says: 'cannot accept snap my-app: revision 2 is here already with other bytes',
    code: 'revision-conflict',
    status: 6,
  },
  {
    what: 'a snap that no assertion speaks of',
    file: (carried) => carried.signed(holding(carried.draft, SNAP, Buffer.from('hsqs something of mine'))),
    says: 'cannot accept snaps/my-app_3.snap: snaps/my-app_3.assert holds no snap-revision for this file',
    code: 'snap-assertions-wrong',
    status: 2,
  },
  {
    what: 'assertions of a root that nobody here trusts',
    file: async (carried) => {
      const { roots, brand } = await makeBrandChain('stranger');
      return carried.signed(
        holding(carried.draft, SHARED, Buffer.from(encodeStream([...roots.slice(1), ...brand]))),
      );
    },
    says: NOT_TRUSTED,
    code: 'not-trusted',
    status: 4,
  },
  {
    what: 'an assertion whose signature was made for other words',
    file: (carried) => {
      const text = bytesOf(carried.draft, SNAP_ASSERTIONS).toString('latin1');
      const changed = text.replace('snap-revision: 3', 'snap-revision: 4');
      return carried.signed(holding(carried.draft, SNAP_ASSERTIONS, Buffer.from(changed, 'latin1')));
    },
    says: /^cannot accept snaps\/my-app_3\.assert: cannot trust snap-revision \S+: its signature does not fit its content and the key \S+$/,
    code: 'signature-invalid',
    status: 2,
  },
  {
    what: 'assertions that are none',
    file: (carried) => carried.signed(holding(carried.draft, SHARED, Buffer.from('\n\n'.repeat(100_001)))),
    says: 'cannot accept assertions/store.assert: cannot read the assertion: header "" has no ":"',
    code: 'assertion-malformed',
    status: 2,
  },
  {
    what: 'an assertion that is too large',
    file: (carried) =>
      carried.signed(
        holding(carried.draft, SHARED, Buffer.from(`type: store\nx: ${'y'.repeat(3 * MiB)}\n\nz`)),
      ),
    says: 'cannot accept assertions/store.assert: cannot read the assertion: it has more than 131072 bytes of headers',
    code: 'assertion-too-large',
    status: 7,
  },
  {
    what: 'a snap file that its assertions do not speak of',
    file: (carried) =>
      pairOf(carried, carried.device.chain, {
        revision: '1',
        bytes: Buffer.from('hsqs planted'),
        about: Buffer.from('hsqs another'),
      }),
    push: 'push-snap',
    says: 'cannot accept NAME: it is not the file that its assertions speak of (SHA3-384 differs)',
    code: 'member-digest-wrong',
    status: 2,
  },
  {
    what: 'a snap file of a root that nobody here trusts, which is not even opened',
    file: async (carried) =>
      pairOf(carried, await makeBrandChain(), { revision: '1', bytes: Buffer.from('no squashfs at all') }),
    push: 'push-snap',
    says: NOT_TRUSTED,
    code: 'not-trusted',
    status: 4,
  },
  {
    what: 'a snap file that is none, by the word of a trusted root',
    file: (carried) =>
      pairOf(carried, carried.device.chain, { revision: '1', bytes: Buffer.from('no squashfs at all') }),
    push: 'push-snap',
    says: 'cannot read the snap file: it is no squashfs image',
    code: 'snap-unreadable',
    status: 2,
  },
  {
    what: 'account-keys of a root that nobody here trusts',
    file: async (carried) => {
      const { roots, brand } = await makeBrandChain('stranger');
      return carried.file(encodeStream([...roots.slice(1), ...brand]), 'keys.assert');
    },
    push: 'push-account-keys',
    says: NOT_TRUSTED,
    code: 'not-trusted',
    status: 4,
  },
];
