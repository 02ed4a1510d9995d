/** A sub-store on its whole way: made by the authority's commands, exported, pushed to an air-gapped host, and used by a device there. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { withFailures } from '../../../src/activities/errors.ts';
import { createExportActivities } from '../../../src/activities/exports.ts';
import { createImportActivities } from '../../../src/activities/imports.ts';
import {
  decodeStream,
  encodeStream,
  formatTimestamp,
  signAssertion,
  type Assertion,
} from '../../../src/assertions/index.ts';
import { addAssertions } from '../../../src/storage/index.ts';
import { exportStore, importStore } from '../../../src/workflows/index.ts';
import { runStore } from '../../api/device/running-store.ts';
import { openSession } from '../../api/device/world.ts';
import { authorityCommands } from '../../support/authority-commands.ts';
import { testAuthority } from '../../support/authority.ts';
import { newSigner } from '../../support/brand-chain.ts';
import { devicesim, reasonToSkip } from '../../support/devicesim.ts';
import { packSnap } from '../../support/snap-files.ts';
import { SnapdJudge } from '../../support/snapd-judge.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { openTestTemporal, withWorkers, type TestTemporal } from '../../support/temporal.ts';
import { importInput, storeExport } from '../../workflows/carried-store.ts';

const sim = await devicesim();
const SINCE = new Date('2026-01-01T00:00:00Z');
const YAML = 'name: robot\nversion: 1\nplugs:\n  snapd-control:\n';

const installed = z.object({
  results: z.tuple([
    z.looseObject({
      result: z.literal('install'),
      snap: z.looseObject({ download: z.looseObject({ url: z.string(), 'sha3-384': z.string() }) }),
    }),
  ]),
});

describe.skipIf(sim.path === undefined)(`a carried sub-store${reasonToSkip(sim)}`, () => {
  let temporal: TestTemporal;
  let snapd: SnapdJudge;
  beforeAll(async () => {
    temporal = await openTestTemporal();
    snapd = new SnapdJudge(sim.path ?? '');
  }, 60_000);
  afterAll(async () => {
    await snapd.close();
    await temporal.close();
  });

  /** Makes the brand, its store, the sub-store and a snap by commands; gives the export's archive, the root, and the brand's key. */
  async function exported() {
    const authority = await testAuthority();
    const folder = await temporaryFolder();
    const brandKey = newSigner(4096);
    const exportsOf = (client: Client) => {
      const { settings, tokens } = authority.deps(client);
      const { database, blobs } = authority;
      const exportFolder = join(folder, 'exports');
      const location = 'authority.example';
      return withFailures(
        createExportActivities({
          database,
          blobs,
          settings,
          tokens,
          now: () => new Date(),
          exportFolder,
          location,
        }),
      );
    };
    const exports = exportsOf(temporal.client);
    const activities = {
      airlock: { ...authority.activities.airlock, ...exports },
      transfer: { ...authority.activities.transfer, ...exports },
      hsm: authority.activities.hsm,
    };
    return withWorkers(temporal, activities, async (client) => {
      const { run, close } = await authorityCommands(authority, client);
      onTestFinished(() => close());
      const done = async (...args: string[]) => {
        const { status, stderr } = await run(...args);
        if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
      };
      const ops = authority.ops(client);
      const post = async (path: string, body: string | object) => {
        const text = typeof body === 'string' ? body : JSON.stringify(body);
        const reply = await ops.request(`/ops/v1/authority${path}`, { method: 'POST', body: text });
        if (!reply.ok) throw new Error(`${path} ended with ${reply.status}: ${await reply.text()}`);
      };
      await done('init', 'example-root');
      await done('create', 'account', 'acme', '--id', 'acme', '--email', 'ops@acme.example');
      await done('create', 'store', 'acme-store', '--brand', 'acme');
      const view = ['--kind', 'device-view', '--include', 'acme-store=robot', '--parent', 'acme-store'];
      await done('register', 'robot', '--publisher', 'acme', '--store', 'acme-store', '--private');
      await done('create', 'store', 'shop', '--brand', 'acme', ...view);
      await done('grant', 'admin', 'acme', 'shop');
      const file = join(folder, 'robot.snap');
      const plugs = 'plugs:\n  snapd-control:\n';
      await packSnap({ name: 'robot', version: '1', type: 'app', yaml: plugs, payload: 100_000 }, file);
      await done('publish', file, '--snap', 'robot', '--channel', 'stable');
      const grants = { 'allow-auto-connection': 'true', 'allow-installation': 'true' };
      await post('/declarations', { snap: 'robot', plugs: { 'snapd-control': grants } });
      await post('/scope', { store: 'acme-store', snaps: ['robot'] });
      const { keyId, encoded } = brandKey.publicKey;
      const headers = {
        'public-key-sha3-384': keyId,
        'account-id': 'acme',
        name: 'models',
        since: formatTimestamp(SINCE),
      };
      const request = { type: 'account-key-request', headers, body: encoded } as const;
      await post(
        '/account-keys',
        new TextDecoder().decode((await signAssertion(request, brandKey, new Date())).bytes),
      );
      const { files } = await client.workflow.execute(exportStore, {
        workflowId: 'export-shop',
        taskQueue: 'airlock',
        args: [storeExport({ store: 'shop', keys: [keyId] })],
      });
      const root = await ops.request('/ops/v1/authority/root');
      const roots = decodeStream(new Uint8Array(await root.arrayBuffer()));
      return { archive: files[0]?.path ?? '', roots, brandKey };
    });
  }

  /** An air-gapped host that trusts the root, with the archive pushed. */
  async function inside(roots: readonly Assertion[], archive: string) {
    const store = await runStore(await temporaryFolder());
    onTestFinished(() => store.close());
    const { database, blobs } = store;
    await addAssertions(database.queries, roots, { at: SINCE, trusted: true });
    const imports = withFailures(
      createImportActivities({
        database,
        blobs,
        now: () => new Date(),
        accountKeyPushed: () => Promise.resolve(),
      }),
    );
    await withWorkers(temporal, { airlock: imports, transfer: imports }, async (client) =>
      client.workflow.execute(importStore, {
        workflowId: 'import-shop',
        taskQueue: 'airlock',
        args: [await importInput('store', archive)],
      }),
    );
    return store;
  }

  it('gives its devices the snaps that it includes, and the connections of its parent', async () => {
    const { archive, roots, brandKey } = await exported();
    const store = await inside(roots, archive);
    const device = newSigner();
    const about = {
      'authority-id': 'acme',
      'brand-id': 'acme',
      model: 'box',
      timestamp: formatTimestamp(SINCE),
    };
    const box = { series: '16', architecture: 'amd64', gadget: 'pc', kernel: 'pc-kernel', store: 'shop' };
    const model = await signAssertion({ type: 'model', headers: { ...about, ...box } }, brandKey, SINCE);
    const { keyId, encoded } = device.publicKey;
    const key = { serial: 'BOX-1', 'device-key': encoded, 'device-key-sha3-384': keyId };
    const serial = await signAssertion({ type: 'serial', headers: { ...about, ...key } }, brandKey, SINCE);
    const session = await openSession(store.url, { device, serial, model });
    const headers = {
      'snap-device-architecture': 'amd64',
      'snap-device-authorization': `Macaroon root="${session}"`,
    };

    const action = { action: 'install', 'instance-key': 'i', name: 'robot', channel: 'stable', epoch: null };
    const body = JSON.stringify({ context: [], actions: [action], fields: ['download'] });
    const install = async (with_: Record<string, string>) =>
      (await fetch(`${store.url}/v2/snaps/refresh`, { method: 'POST', headers: with_, body })).json();
    const { url, 'sha3-384': digest } = installed.parse(await install(headers)).results[0].snap.download;
    const bytes = Buffer.from(await (await fetch(url, { headers })).arrayBuffer());
    expect(createHash('sha3-384').update(bytes).digest('hex')).toBe(digest);
    // Nobody else gets it.
    expect(installed.safeParse(await install({ 'snap-device-architecture': 'amd64' })).success).toBe(false);

    // What the device gets from the air-gapped host is what snapd decides by.
    const assertion = async (path: string) => {
      const reply = await fetch(`${store.url}/v2/assertions/${path}?max-format=9`, { headers });
      return decodeStream(new Uint8Array(await reply.arrayBuffer()));
    };
    const { snapId } = await store.database.queries
      .selectFrom('Snap')
      .select('snapId')
      .executeTakeFirstOrThrow();
    const declaration = await assertion(`snap-declaration/16/${snapId}`);
    const shop = await assertion('store/shop');
    expect(shop[0]?.headers['friendly-stores']).toEqual(['acme-store']);
    expect(await snapd.permits(encodeStream([...declaration, model, ...shop]), YAML)).toMatchObject({
      accepted: true,
    });
    expect(await snapd.permits(encodeStream([...declaration, model]), YAML)).toMatchObject({
      accepted: false,
    });
  }, 180_000);
});
