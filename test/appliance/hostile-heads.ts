import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { sha3Of } from '../../src/bundles/index.ts';
import { newSigner, raw } from '../bundles/sample.ts';
import { MEMBERS, saying } from './carried-exports.ts';
import { replaced, type Hostile } from './hostile-case.ts';

const MiB = 2 ** 20;
const { shared: SHARED } = MEMBERS;

/** Files that are refused by how they begin, before any durable process is started. */
export const refusedByFront: readonly Hostile[] = [
  {
    what: 'a bomb of zeros before its manifest',
    file: (carried) => carried.file(gzipSync(Buffer.alloc(82 * MiB), { level: 1 })),
    says: 'cannot accept the archive: it unpacks to more than a manifest may have, and none came; is this an archive that Airlock exported?',
    status: 7,
  },
  ...[
    ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0])],
    ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0])],
    ['zip', Buffer.from('PK\u0003\u0004 something else')],
    ['empty', Buffer.of()],
  ].map(([what, bytes = '']): Hostile => ({
    what: `a file that is ${String(what)}`,
    file: (carried) => carried.file(Buffer.from(bytes)),
    says: 'cannot read PATH: it is not a .tar.gz archive',
    status: 2,
  })),
  {
    what: 'a manifest that its signature is not of',
    file: (carried) =>
      carried.spoilt(
        replaced('manifest.json', ({ bytes }) =>
          raw(
            'manifest.json',
            Buffer.from(
              Buffer.from(bytes ?? [])
                .toString()
                .replace('"my-brand"', '"my-brend"'),
            ),
          ),
        ),
      ),
    says: 'cannot accept manifest.json: manifest.jws does not hold a valid signature of it; the archive was changed after it was exported',
    status: 2,
  },
  {
    what: 'a manifest of another exporter, signed by this one',
    file: async (carried) =>
      carried.head(saying(carried.draft, { exporter: (await newSigner()).fingerprint })),
    says: 'cannot accept manifest.json: it is signed by another key than it names',
    status: 2,
  },
  {
    what: 'a manifest nested without end',
    file: (carried) => carried.head('['.repeat(MiB) + ']'.repeat(MiB)),
    says: 'cannot accept manifest.json: it is nested deeper than 32 levels',
    status: 2,
  },
  {
    what: 'a number beyond all files',
    file: (carried) => carried.worded((text) => text.replace(/"size": \d+/, '"size": 1e300')),
    says: 'cannot accept manifest.json: members.0.size: at most 9007199254740991 is allowed',
    status: 2,
  },
  {
    what: 'a revision that no snap has',
    file: (carried) => carried.worded((text) => text.replace('"revision": 3,', '"revision": 4294967296,')),
    says: /^cannot accept manifest\.json: snaps\.\d\.revisions\.\d\.revision: at most 2147483647 is allowed$/,
    status: 2,
  },
  ...['\\u0000', '\\ud800'].map((escaped): Hostile => ({
    what: `a text with ${escaped}`,
    file: (carried) =>
      carried.worded((text) => text.replace('"title": "my-app"', `"title": "my${escaped}app"`)),
    says: /^cannot accept manifest\.json: snaps\.\d\.title: it holds a zero byte or half a character$/,
    status: 2,
  })),
  {
    what: 'keys of a prototype in its manifest',
    file: (carried) =>
      carried.worded((text) => text.replace('"members": [', '"constructor": {}, "members": [')),
    says: 'cannot accept manifest.json: there is no field "constructor"',
    status: 2,
  },
  {
    what: 'more members than it may have',
    file: (carried) => {
      const digest = sha3Of('');
      const more = Array.from({ length: 50_000 }, (_, n) => ({ name: `keys/k${n}.assert`, size: 0, digest }));
      const { members } = carried.draft.manifest;
      return carried.head(saying(carried.draft, { members: [...members, ...more] }));
    },
    says: 'cannot accept the archive: it has more than 50000 members',
    status: 7,
  },
  {
    what: 'more assertions than one file may have',
    file: (carried) =>
      carried.head(
        saying(carried.draft, {
          members: carried.draft.manifest.members.map((one) =>
            one.name === SHARED ? { ...one, size: 17 * MiB } : one,
          ),
        }),
      ),
    says: 'cannot accept "assertions/store.assert": 17825792 bytes are more than such a file may have',
    status: 7,
  },
  {
    what: 'a delta, which no archive brings',
    file: (carried) => {
      const delta = { name: 'snaps/my-app_2_3.delta', size: 1, digest: sha3Of('x') };
      const { members } = carried.draft.manifest;
      return carried.head(saying(carried.draft, { members: [...members, delta] }));
    },
    says: 'cannot accept manifest.json: it lists "snaps/my-app_2_3.delta", which has no place in this layout',
    status: 2,
  },
  ...['__proto__', 'constructor'].map((key): Hostile => ({
    what: `metadata with a member ${key}`,
    file: (carried) => carried.metadata([[key, 'x']]),
    push: 'push-brand-store-metadata',
    says: `cannot accept "${key}": the manifest does not list it`,
    status: 2,
  })),
  {
    what: 'metadata with another member than its manifest lists',
    file: async (carried) => {
      const file = await readFile(await carried.metadata([]), 'utf8');
      return carried.file(file.replace('type: account', 'type: accourt'), 'metadata.json');
    },
    push: 'push-brand-store-metadata',
    says: 'cannot accept "assertions/store.assert": its bytes are not those that were exported (SHA3-384 differs)',
    status: 2,
  },
  {
    what: 'account-keys that are no text',
    file: (carried) => carried.file(Buffer.from([1, 0, 2]), 'keys.assert'),
    push: 'push-account-keys',
    says: 'cannot push PATH: it holds no account-key assertion',
    status: 2,
  },
  {
    what: 'an account-key whose headers have no end',
    file: (carried) => carried.file(`type: account-key\nx: ${'y'.repeat(MiB)}`, 'keys.assert'),
    push: 'push-account-keys',
    says: 'cannot read the assertion: it has more than 131072 bytes of headers',
    status: 7,
  },
];
