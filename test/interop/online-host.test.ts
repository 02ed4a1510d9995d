import { execFile } from 'node:child_process';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { onlineBefore } from '../api/online/between.ts';
import { devicesim, reasonToSkip } from '../support/devicesim.ts';
import { fakeStore } from '../support/fake-store.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const sim = await devicesim();

const reportSchema = z.object({
  steps: z.number(),
  results: z.array(z.object({ name: z.string(), ok: z.boolean(), error: z.string().optional() })),
});
const failed = z.object({ stdout: z.string() });

/** What a device of snapd's own code, with a serial that it got through the host, finds other than the chain says. */
async function session(url: string, chain: string, steps: readonly string[] = []) {
  const { stdout } = await run(
    sim.path ?? '',
    [
      ...['session', '--url', url, '--chain', chain, '--strict', '--quiet'],
      ...['--key-bits', '2048', '--only', steps.join(',')],
    ],
    { maxBuffer: 1 << 26 },
  ).catch((error: unknown) => failed.parse(error));
  const { results, steps: count } = reportSchema.parse(JSON.parse(stdout));
  return { failures: results.filter(({ ok }) => !ok), steps: count };
}

const manifestSchema = z.looseObject({
  snaps: z.array(
    z.looseObject({
      name: z.string(),
      'channel-map': z.array(z.looseObject({ track: z.string(), risk: z.string(), revision: z.number() })),
    }),
  ),
});

/** A copy of a chain whose description says that a snap has another revision in latest/stable. */
async function chainThatSays(chain: string, snap: string, revision: number): Promise<string> {
  const copy = join(await temporaryFolder(), 'chain');
  await cp(chain, copy, { recursive: true });
  const file = join(copy, 'manifest.json');
  const manifest = manifestSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  for (const place of manifest.snaps.find(({ name }) => name === snap)?.['channel-map'] ?? [])
    if (place.track === 'latest' && place.risk === 'stable') place.revision = revision;
  await writeFile(file, JSON.stringify(manifest));
  return copy;
}

const REVISION_STEPS = ['action-install', 'action-refresh', 'info', 'download', 'download-resume'];

describe.skipIf(sim.path === undefined)(
  `an online host between snapd and a store${reasonToSkip(sim)}`,
  () => {
    test('is a store like any other for snapd, and its devices need no way to the upstream', async () => {
      const { url, chain } = await fakeStore(sim.path ?? '', 'fakeserver');
      const { online } = await onlineBefore(url);
      expect(await session(online.url, chain)).toEqual({ failures: [], steps: 33 });
    });

    test('gives snapd the revision that an override pins: to install, to refresh to, to look at, to download', async () => {
      const { url, chain } = await fakeStore(sim.path ?? '', 'fakeserver');
      const { online, overrides } = await onlineBefore(url);
      const pinned = await chainThatSays(chain, 'sim-app-1', 3);
      const wish = { snap: 'sim-app-1', channel: 'stable', revision: 3 };
      expect(await overrides.change([wish], 'operator')).toMatchObject([
        { revision: 3, upstreamRevision: 2 },
      ]);
      expect(await session(online.url, pinned, REVISION_STEPS)).toEqual({ failures: [], steps: 5 });
      await overrides.change([{ ...wish, revision: null }], 'operator');
      expect(await session(online.url, chain, REVISION_STEPS)).toEqual({ failures: [], steps: 5 });
      // The description is what makes the difference: without the override snapd finds what the upstream has.
      expect((await session(online.url, pinned, ['action-install'])).failures).toHaveLength(1);
    });
  },
);
