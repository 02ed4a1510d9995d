import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, test, vi } from 'vitest';
import { createImportActivities } from '../../../src/activities/imports.ts';
import { planOf } from '../../../src/activities/imports/plan.ts';
import { encodeStream } from '../../../src/assertions/index.ts';
import { DEFAULT_LIMITS } from '../../../src/bundles/index.ts';
import { BucketError } from '../../../src/storage/bucket/errors.ts';
import type { ImportInput } from '../../../src/workflows/import-contract.ts';
import { honestMembers, newSigner, rawArchive, sampleStore } from '../../bundles/sample.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import {
  AT,
  importInput,
  newHost,
  newOutside,
  pairOf,
  trustingHost,
  type Host,
} from '../../workflows/carried-store.ts';
import type { Outside } from '../../workflows/hosts.ts';

const planOn = ({ database, blobs }: Host, input: ImportInput) =>
  planOf(input, false, { database, blobs, now: AT, runId: 'run', attempt: 2 });

/** What a plan left of itself. */
const traces = async ({ folder, database }: Host) => ({
  staged: await readdir(join(folder, 'staging')).catch(() => []),
  assertions: (await database.queries.selectFrom('StoredAssertion').select('id').execute()).length,
  snaps: (await database.queries.selectFrom('Snap').select('snapId').execute()).length,
});

async function keyFile({ chain }: Outside): Promise<string> {
  const file = join(await temporaryFolder(), 'keys.assert');
  await writeFile(file, encodeStream(chain.brand));
  return file;
}

describe('a plan of account-keys', () => {
  test('names what is new, and keeps nothing', async () => {
    const outside = await newOutside();
    const inside = await trustingHost(outside);
    const before = await traces(inside);
    const plan = await planOn(inside, await importInput('account-keys', await keyFile(outside)));
    expect(plan).toMatchObject({ refused: null, newBytes: 0 });
    const subjects = plan.items.map(({ action, subject }) => `${action} ${subject}`);
    expect(subjects).toContainEqual(expect.stringMatching(/^new account-key my-brand\/\S+$/));
    expect(subjects.join()).not.toContain(outside.chain.brand[1]?.primaryKey[0]);
    expect(await traces(inside)).toEqual(before);
  });

  test('takes away what an attempt left that was cut off', async () => {
    const outside = await newOutside();
    const inside = await trustingHost(outside);
    const before = await traces(inside);
    const left = join(inside.folder, 'staging', 'plan-run-1');
    await mkdir(left, { recursive: true });
    await writeFile(join(left, 'assertions'), 'half');
    const plan = await planOn(inside, await importInput('account-keys', await keyFile(outside)));
    expect(plan.refused).toBeNull();
    expect(await traces(inside)).toEqual(before);
  });

  test('says that nobody here trusts who signed them, as the push would', async () => {
    const outside = await newOutside();
    const plan = await planOn(await newHost(), await importInput('account-keys', await keyFile(outside)));
    expect(plan.refused).not.toBeNull();
    expect(plan.items).toMatchObject([{ action: 'refused', subject: 'keys.assert' }]);
  });
});

test('a plan refuses nothing because the storage of files is away for a while', async () => {
  const outside = await newOutside();
  const inside = await trustingHost(outside);
  const input = await importInput('account-keys', await keyFile(outside));
  const away = new BucketError('bucket-unreachable', 'cannot reach the bucket');
  vi.spyOn(inside.blobs, 'findAll').mockRejectedValueOnce(away);
  await expect(planOn(inside, input)).rejects.toBe(away);
  expect(await planOn(inside, input)).toMatchObject({ refused: null });
});

describe('a plan of what "snap download" leaves', () => {
  test('has the revision, its channels and its bytes, and copies nothing', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const inside = await trustingHost(outside);
    const before = await traces(inside);
    const { path, assertions } = await pairOf(outside, 'my-base', 5);
    const input = await importInput('snap-pair', path, { assertions, channels: ['latest/stable'] });
    const plan = await planOn(inside, input);
    expect(plan.refused).toBeNull();
    expect(plan.newBytes).toBeGreaterThan(0);
    const subjects = plan.items.map(({ action, kind, subject }) => `${action} ${kind} ${subject}`);
    expect(subjects).toEqual(
      expect.arrayContaining([
        'new revision my-base 5',
        'new channel my-base latest/stable amd64',
        'new assertion snap-declaration my-base',
        'new assertion snap-revision my-base 5',
      ]),
    );
    expect(await traces(inside)).toEqual(before);
  });

  test('tells with each heartbeat how many bytes of the snap were read', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const inside = await trustingHost(outside);
    const { path, assertions } = await pairOf(outside, 'my-base', 5);
    const input = await importInput('snap-pair', path, { assertions });
    const { planImport } = createImportActivities({
      ...inside,
      now: () => AT,
      accountKeyPushed: () => Promise.resolve(),
    });
    const worker = new MockActivityEnvironment();
    const told: unknown[] = [];
    worker.on('heartbeat', (progress) => told.push(progress));
    expect(await worker.run(planImport, input)).toMatchObject({ refused: null });
    expect(told).toContainEqual({ bytes: (await stat(path)).size });
  });

  test('says that the file is another than its assertions speak of, or is gone', async () => {
    const outside = await newOutside();
    await outside.publishJourney();
    const inside = await trustingHost(outside);
    const { path, assertions } = await pairOf(outside, 'my-base', 5);
    const input = await importInput('snap-pair', path, { assertions });
    await writeFile(path, 'something else');
    expect((await planOn(inside, input)).refused).toEqual({ kind: 'invalid', code: 'member-digest-wrong' });
    await rm(path);
    expect((await planOn(inside, input)).refused).toMatchObject({ code: 'bundle-unreadable' });
    expect((await traces(inside)).staged).toEqual([]);
  });
});

/** As much as an archive may hold; nobody's disk for tests has so much room, but for those that have. */
const MOST = 31 * DEFAULT_LIMITS.snapBytes;
const { bavail, bsize } = statfsSync(tmpdir());

test.skipIf(bavail * bsize > MOST)('a plan of an archive says that the disk has no room for it', async () => {
  const signer = await newSigner();
  const { manifest, contents } = sampleStore(
    signer.fingerprint,
    Array.from({ length: 31 }, () => 1),
  );
  const huge = DEFAULT_LIMITS.snapBytes;
  const isSnap = ({ name }: { readonly name: string }) => name.endsWith('.snap');
  const path = join(await temporaryFolder(), 'huge.tar.gz');
  await rawArchive(
    path,
    await honestMembers(signer, {
      manifest: {
        ...manifest,
        members: manifest.members.map((one) => (isSnap(one) ? { ...one, size: huge } : one)),
        snaps: manifest.snaps.map((snap) => ({
          ...snap,
          revisions: snap.revisions.map((revision) => ({ ...revision, size: huge })),
        })),
      },
      contents,
    }),
  );
  const plan = await planOn(await newHost(), await importInput('store', path));
  expect(plan.refused).toEqual({ kind: 'unavailable', code: 'disk-full' });
  expect(plan.items).toMatchObject([
    {
      action: 'refused',
      subject: 'brand-store',
      detail: expect.stringMatching(/^cannot continue: \d+ MiB are needed/),
    },
  ]);
});
