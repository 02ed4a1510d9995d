import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { importPlan, importResult } from '../../../src/api/ops/import-contract.ts';
import { exportResult } from '../../../src/api/ops/transfer-contract.ts';
import { hexToSnapSha3 } from '../../../src/assertions/index.ts';
import { inventorySchema, readBundleHead } from '../../../src/bundles/index.ts';
import { parseBlobDigest } from '../../../src/storage/index.ts';
import { contentOf } from '../../faults/transfer-crashes.ts';
import { openTestTemporal, type TestTemporal } from '../../support/temporal.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { AT, newOutside, snapIdOf, trustingHost, type Host } from '../../workflows/carried-store.ts';
import { publishComponent } from '../../workflows/components.ts';
import type { Outside } from '../../workflows/hosts.ts';
import { operatorAt, type Operator } from './operator.ts';
import { deviceApiOf } from '../../workflows/served-devices.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

const at = <Answer>(host: Host, work: (operator: Operator) => Promise<Answer>): Promise<Answer> =>
  operatorAt(temporal, host, work);

const COMPONENTS = 'components:\n  drivers:\n    type: standard\n';
const brand = { store: 'brand-main', private: true };
/** The component of the kiosk's first revision. */
const DRIVERS = { snap: 'my-kiosk', name: 'drivers', revision: 4, version: '1', snapRevisions: [1] };

/** The journey's store, and an app with a component in it. */
async function outsideWithComponent(): Promise<Outside> {
  const outside = await newOutside();
  await outside.publishJourney();
  await outside.publish(
    { name: 'my-kiosk', version: '1', type: 'app', base: 'my-base', yaml: COMPONENTS },
    { ...brand, revision: 1, channels: ['latest/stable'] },
  );
  await publishComponent(outside, DRIVERS);
  return outside;
}

/** A newer revision of the kiosk, which goes with the same component, and a newer app. */
async function publishNews(outside: Outside): Promise<void> {
  await outside.publish(
    { name: 'my-kiosk', version: '2', type: 'app', base: 'my-base', yaml: COMPONENTS },
    { ...brand, revision: 2, channels: ['latest/stable'] },
  );
  await publishComponent(outside, { ...DRIVERS, revision: 5, version: '2', snapRevisions: [2] });
  await outside.publish(
    { name: 'my-app', version: '3', type: 'app', base: 'my-base', payload: 100_000 },
    { ...brand, revision: 3, channels: ['latest/stable'] },
  );
}

async function exported(operator: Operator, more: object = {}) {
  const done = await operator.finish('/exports', { kind: 'store', store: 'brand-devices', ...more });
  expect(done.error).toBeNull();
  const result = exportResult.parse(done.result);
  const path = result.files[0]?.path ?? '';
  return { path, result, manifest: (await readBundleHead(path)).manifest };
}

async function pushed(operator: Operator, path: string) {
  const done = await operator.finish('/imports', { kind: 'store', path });
  expect(done.error).toBeNull();
  return importResult.parse(done.result);
}

async function inventoryFile(operator: Operator): Promise<string> {
  const file = join(await temporaryFolder(), 'inventory.json');
  const inventory = await operator.answer('GET', '/inventory', inventorySchema);
  await writeFile(file, JSON.stringify(inventory));
  return file;
}

/** Two hosts that carried the store once; the archive, and the news that wait outside. */
async function carriedOnce() {
  const outside = await outsideWithComponent();
  const { path } = await at(outside.host, (operator) => exported(operator));
  const inside = await trustingHost(outside);
  await at(inside, (operator) => pushed(operator, path));
  await publishNews(outside);
  return { outside, inside, first: path };
}

/** What a host has that took a whole archive of the same store. */
async function afterWholeExport(outside: Outside, first: string): Promise<unknown> {
  const host = await trustingHost(outside);
  const whole = await at(outside.host, (operator) => exported(operator));
  await at(host, async (operator) => {
    await pushed(operator, first);
    await pushed(operator, whole.path);
  });
  return withoutEnds(await contentOf(host));
}

/** Releases end at the moment of the import. */
function withoutEnds(content: Awaited<ReturnType<typeof contentOf>>): unknown {
  return JSON.parse(
    JSON.stringify(content, (key, value: unknown) => (key === 'endedAt' ? value === null : value)),
  );
}

const NEW = ['snaps/my-app_3.snap', 'snaps/my-kiosk_2.snap', 'snaps/my-kiosk+drivers_5.comp'];
const files = (names: readonly { readonly name: string }[]) =>
  names
    .map(({ name }) => name)
    .filter((name) => !name.endsWith('.assert'))
    .toSorted();

const offered = z.object({
  results: z.array(
    z.object({
      snap: z.object({
        resources: z.array(z.looseObject({ download: z.looseObject({ url: z.string() }) })),
      }),
    }),
  ),
});

describe('an export against an inventory of the isolated host', () => {
  test('brings all metadata and only the files that are not there, and ends in the same state', async () => {
    const { outside, inside, first } = await carriedOnce();
    const inventory = await at(inside, inventoryFile);
    const { path, result, manifest } = await at(outside.host, (operator) =>
      exported(operator, { basis: { kind: 'inventory', path: inventory } }),
    );
    expect(files(manifest.members)).toEqual(NEW.toSorted());
    expect(manifest.restsOn).toMatchObject({ kind: 'inventory' });
    expect(files(manifest.restsOn?.members ?? [])).toContain('snaps/my-app_2.snap');
    expect(result.leftOut?.files).toBe(manifest.restsOn?.members.length);
    await at(inside, async (operator) => {
      const plan = await operator.result('POST', '/imports/plan', importPlan, { kind: 'store', path });
      expect(plan.items).toContainEqual({
        action: 'unchanged',
        kind: 'revision',
        subject: 'my-app 2',
        detail: 'its file is here and does not come along',
      });
      expect(await pushed(operator, path)).toMatchObject({ unchanged: false });
      expect(await pushed(operator, path)).toMatchObject({ unchanged: true });
    });
    expect(withoutEnds(await contentOf(inside))).toEqual(await afterWholeExport(outside, first));
  });

  test('can be undone: what it brought goes, and what it left out stays', async () => {
    const { outside, inside } = await carriedOnce();
    const before = await contentOf(inside);
    const inventory = await at(inside, inventoryFile);
    const { path } = await at(outside.host, (operator) =>
      exported(operator, { basis: { kind: 'inventory', path: inventory } }),
    );
    await at(inside, async (operator) => {
      await pushed(operator, path);
      expect((await operator.finish('/imports/roll-back', {})).status).toBe('completed');
    });
    expect(await contentOf(inside)).toEqual(before);
  });

  test('is refused by a host that does not have what was left out, which names it and stays as it was', async () => {
    const { outside, inside } = await carriedOnce();
    const inventory = await at(inside, inventoryFile);
    const { path } = await at(outside.host, (operator) =>
      exported(operator, { basis: { kind: 'inventory', path: inventory } }),
    );
    const empty = await trustingHost(outside);
    const before = await contentOf(empty);
    await at(empty, async (operator) => {
      const refused = await operator.finish('/imports', { kind: 'store', path });
      expect(refused).toMatchObject({
        status: 'failed',
        error: {
          kind: 'conflict',
          code: 'files-left-out',
          message: expect.stringMatching(
            /^cannot import the archive: .*my-app 2.* export again without --inventory/,
          ),
        },
      });
      const plan = await operator.result('POST', '/imports/plan', importPlan, { kind: 'store', path });
      expect(plan.items).toMatchObject([{ action: 'refused' }]);
    });
    expect(await contentOf(empty)).toEqual(before);
  });

  test.each([
    [
      'the file is gone from the disk',
      (host: Host, digest: string) => host.blobs.remove(parseBlobDigest(digest)),
    ],
    [
      'the file is here as something else, not as that snap',
      (host: Host, digest: string) =>
        host.database.queries
          .updateTable('SnapRevision')
          .set({ snapId: snapIdOf('my-base'), revision: 77 })
          .where('sha3_384', '=', digest)
          .execute(),
    ],
  ])('is refused where %s', async (_, spoil) => {
    const { outside, inside } = await carriedOnce();
    const inventory = await at(inside, inventoryFile);
    const { path, manifest } = await at(outside.host, (operator) =>
      exported(operator, { basis: { kind: 'inventory', path: inventory } }),
    );
    const digest = manifest.restsOn?.members.find(({ name }) => name === 'snaps/snapd_9.snap')?.digest ?? '';
    await spoil(inside, digest);
    await at(inside, async (operator) => {
      const refused = await operator.finish('/imports', { kind: 'store', path });
      expect(refused.error).toMatchObject({
        code: 'files-left-out',
        message: expect.stringContaining('snapd 9'),
      });
    });
  });

  test.each([
    ['no JSON', 'snapd'],
    ['another document', '{"format":"airlock-bundle","version":1}'],
    ['a version that is not known', '{"format":"airlock-inventory","version":2}'],
    [
      'digests that are none',
      JSON.stringify({
        format: 'airlock-inventory',
        version: 1,
        writtenAt: AT.toISOString(),
        stores: [],
        snaps: [
          { snapId: 'a', name: 'a', revisions: [{ revision: 1, digest: '../x', size: 1 }], components: [] },
        ],
        assertions: [],
        lastImport: null,
      }),
    ],
  ])('refuses %s as an inventory, and writes nothing', async (_, text) => {
    const outside = await newOutside();
    const file = join(await temporaryFolder(), 'inventory.json');
    await writeFile(file, text);
    await at(outside.host, async (operator) => {
      const request = { kind: 'store', store: 'brand-devices', basis: { kind: 'inventory', path: file } };
      const response = await operator.ask('POST', '/exports', request);
      expect(response.status).toBe(400);
      expect(await response.text()).toContain('cannot use');
    });
    await expect(readdir(join(outside.host.folder, 'exports'))).rejects.toThrow('ENOENT');
  });
});

describe('an export since', () => {
  test('an archive leaves out what that brought, and what that left out itself', async () => {
    const { outside, inside, first } = await carriedOnce();
    const second = await at(outside.host, (operator) =>
      exported(operator, { basis: { kind: 'archives', path: first } }),
    );
    expect(files(second.manifest.members)).toEqual(NEW.toSorted());
    const carried = await temporaryFolder();
    await copyFile(second.path, join(carried, 'second.tar.gz'));
    const third = await at(outside.host, (operator) =>
      exported(operator, { basis: { kind: 'archives', path: carried } }),
    );
    expect(files(third.manifest.members)).toEqual([]);
    await at(inside, async (operator) => {
      const early = await operator.finish('/imports', { kind: 'store', path: third.path });
      expect(early.error).toMatchObject({ code: 'files-left-out' });
      await pushed(operator, second.path);
      await pushed(operator, third.path);
    });
  });

  test('a time leaves out what the chosen channels held then', async () => {
    const { outside, inside } = await carriedOnce();
    const whole = await at(outside.host, (operator) => exported(operator));
    await at(inside, (operator) => pushed(operator, whole.path));
    // Releases of the tests' authority are as many seconds after AT as their revision says: only snapd 9 came later.
    const { path, manifest } = await at(outside.host, (operator) =>
      exported(operator, {
        channels: ['latest/stable'],
        basis: { kind: 'time', at: new Date(AT.getTime() + 5500).toISOString() },
      }),
    );
    expect(manifest.restsOn).toMatchObject({ kind: 'time', digest: null });
    expect(files(manifest.members)).toEqual(['snaps/snapd_9.snap']);
    expect(files(manifest.restsOn?.members ?? [])).toEqual(['snaps/my-base_5.snap', ...NEW].toSorted());
    await at(inside, (operator) => pushed(operator, path));
  });

  test('a folder without archives is refused', async () => {
    const outside = await newOutside();
    const folder = join(await temporaryFolder(), 'empty');
    await mkdir(folder);
    await at(outside.host, async (operator) => {
      const request = { kind: 'snaps', names: ['my-app'], basis: { kind: 'archives', path: folder } };
      const response = await operator.ask('POST', '/exports', request);
      expect(response.status).toBe(404);
    });
  });
});

describe('components', () => {
  test('come with the revision of the snap that they go with, and go with it', async () => {
    const { outside, inside } = await carriedOnce();
    const { path } = await at(outside.host, (operator) => exported(operator));
    await at(inside, async (operator) => {
      await pushed(operator, path);
      const rows = await inside.database.queries
        .selectFrom('SnapResourcePair')
        .select(['snapRevision', 'resourceName', 'resourceRevision'])
        .orderBy('snapRevision')
        .execute();
      expect(rows).toEqual([
        { snapRevision: 1, resourceName: 'drivers', resourceRevision: 4 },
        { snapRevision: 2, resourceName: 'drivers', resourceRevision: 5 },
      ]);
      expect((await operator.finish('/pushed-snaps/my-kiosk?revision=1', undefined, 'DELETE')).status).toBe(
        'completed',
      );
    });
    const left = await inside.database.queries.selectFrom('SnapResource').select('revision').execute();
    expect(left).toEqual([{ revision: 5 }]);
  });

  test('are offered and handed to devices with the snap, and so are their assertions', async () => {
    const outside = await newOutside();
    await outside.publish(
      { name: 'my-tool', version: '1', type: 'app', base: 'bare', yaml: COMPONENTS },
      { store: 'ubuntu', revision: 1, channels: ['latest/stable'] },
    );
    await outside.include('my-tool');
    const digest = await publishComponent(outside, { ...DRIVERS, snap: 'my-tool' });
    const { path } = await at(outside.host, (operator) => exported(operator));
    const inside = await trustingHost(outside);
    await at(inside, (operator) => pushed(operator, path));
    const store = deviceApiOf(inside);
    const action = { action: 'install', 'instance-key': 'i', name: 'my-tool', epoch: null };
    const reply = await store.request('/v2/snaps/refresh', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'snap-device-architecture': 'amd64' },
      body: JSON.stringify({ context: [], actions: [action], fields: ['resources', 'revision'] }),
    });
    const { results } = offered.parse(await reply.json());
    const [resource] = results[0]?.snap.resources ?? [];
    expect(resource).toMatchObject({ name: 'drivers', type: 'component/standard', revision: 4 });
    const file = await store.request(new URL(resource?.download.url ?? '').pathname);
    const bytes = Buffer.from(await file.arrayBuffer());
    expect(createHash('sha3-384').update(bytes).digest('hex')).toBe(digest);
    const id = snapIdOf('my-tool');
    for (const key of [
      `snap-resource-revision/${id}/drivers/${hexToSnapSha3(digest)}`,
      `snap-resource-pair/${id}/drivers/4/1`,
    ])
      expect((await store.request(`/v2/assertions/${key}`)).status).toBe(200);
  });

  test.each([
    ['whose component.yaml is of another snap', { claims: { snap: 'my-app' } }, 'gives another name'],
    ['whose component.yaml has another name', { claims: { name: 'other' } }, 'gives another name'],
  ])('%s are refused', async (_, lie, reason) => {
    const outside = await newOutside();
    await outside.publishJourney();
    await outside.publish(
      { name: 'my-kiosk', version: '1', type: 'app', base: 'my-base', yaml: COMPONENTS },
      { ...brand, revision: 1, channels: ['latest/stable'] },
    );
    await publishComponent(outside, { ...DRIVERS, ...lie });
    const { path } = await at(outside.host, (operator) => exported(operator));
    const inside = await trustingHost(outside);
    await at(inside, async (operator) => {
      const refused = await operator.finish('/imports', { kind: 'store', path });
      expect(refused.error).toMatchObject({
        code: 'snap-file-wrong',
        message: expect.stringContaining(reason),
      });
    });
    expect(await inside.database.queries.selectFrom('Snap').select('name').execute()).toEqual([]);
  });

  test('without the assertion that pairs them are not exported', async () => {
    const outside = await newOutside();
    await outside.publish(
      { name: 'my-kiosk', version: '1', type: 'app', base: 'bare', yaml: COMPONENTS },
      { ...brand, revision: 1, channels: ['latest/stable'] },
    );
    await publishComponent(outside, { ...DRIVERS, unpaired: true });
    await at(outside.host, async (operator) => {
      const done = await operator.finish('/exports', { kind: 'store', store: 'brand-devices' });
      expect(done.error).toMatchObject({ code: 'assertion-missing' });
    });
  });
});
