/** An authority on real parts for tests: Temporal, SoftHSM, a database file, snap files. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { Client } from '@temporalio/client';
import type { Hono } from 'hono';
import { onTestFinished } from 'vitest';

import { createAuthoritySigningActivities } from '../../src/activities/authority-signing.ts';
import { createAuthorityActivities } from '../../src/activities/authority.ts';
import { withFailures } from '../../src/activities/errors.ts';
import { createReleaseActivities } from '../../src/activities/releases.ts';
import { createUploadActivities } from '../../src/activities/uploads.ts';
import { createAuthorityOps } from '../../src/api/publisher/operator/index.ts';
import { authorityProcesses } from '../../src/api/publisher/processes.ts';
import { clientError } from '../../src/api/errors.ts';
import type { PublisherApiDeps } from '../../src/api/publisher/deps.ts';
import { createSoftHsmToken, openHsm, type Hsm } from '../../src/hsm/index.ts';
import { TokenOffice } from '../../src/storage/authority/index.ts';
import { openFileBlobStore, SettingStore, type BlobStore, type Database } from '../../src/storage/index.ts';
import { oneToken } from './softhsm-token.ts';
import { temporaryDatabase } from './database.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** The parts of a test's authority. */
export interface TestAuthority {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly hsm: Hsm;
  readonly deps: (client: Client) => PublisherApiDeps;
  readonly activities: { readonly airlock: object; readonly transfer: object; readonly hsm: object };
  /** The operator's routes; a request without the test's token is refused. */
  readonly ops: (client: Client) => Hono;
}

/** Opens the parts; they are closed when the test is over. Errors that are our own mistake fail the test. */
export async function testAuthority(): Promise<TestAuthority> {
  const database = await temporaryDatabase();
  const folder = await temporaryFolder();
  const blobs = await openFileBlobStore(join(folder, 'blobs'), join(folder, 'staging'));
  const token = await createSoftHsmToken({
    directory: join(folder, 'token'),
    label: 'test',
    pin: '1234',
    soPin: '5678',
  });
  const module = { path: token.modulePath, env: token.env };
  const hsm = await openHsm({ module, tokenLabel: 'test', pin: async () => '1234' });
  onTestFinished(() => hsm.close());
  const settings = new SettingStore(database, { seal: (_, text) => text, open: (_, text) => text });
  const clock = () => new Date();
  const tokens = new TokenOffice({ database, settings, random: randomBytes });
  const deps = (client: Client): PublisherApiDeps => ({
    database,
    blobs,
    settings,
    tokens,
    processes: authorityProcesses(client),
    clock,
    random: randomBytes,
    // What a client would see as status 500 is a bug: the test's output shows it.
    report: (error) => {
      if (clientError(error).status === 500) console.error(inspect(error, { depth: 8 }));
    },
  });
  return {
    database,
    blobs,
    hsm,
    deps,
    activities: {
      airlock: withFailures({
        ...createAuthorityActivities({ database }),
        ...createReleaseActivities({ database }),
      }),
      transfer: withFailures(createUploadActivities({ database, blobs, now: clock })),
      hsm: withFailures(createAuthoritySigningActivities({ database, tokens: oneToken(hsm) })),
    },
    ops: (client) => createAuthorityOps(deps(client), (_context, next) => next()),
  };
}
