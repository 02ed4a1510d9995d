/** Hostile archives through the very push of an operator, on an appliance as it is started: each is refused, and leaves nothing. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CarriedExports } from './carried-exports.ts';
import type { Hostile } from './hostile-case.ts';
import { refusedByProcess } from './hostile-contents.ts';
import { refusedByFront } from './hostile-heads.ts';
import { HostileHost, type Traces } from './hostile-host.ts';

let folder: string;
let carried: CarriedExports;
let host: HostileHost;
let before: Traces;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-hostile-files-'));
  carried = await CarriedExports.make(folder);
  host = await HostileHost.open(carried.device, carried.snaps, carried.older);
  before = await host.traces();
});
afterAll(async () => {
  await host?.close();
  await carried?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('what an operator pushes is refused, and nothing is seen of it or left, when it holds', () => {
  test.each(refusedByFront)('$what', async (one) => {
    const log = host.refusals();
    await refused(one);
    expect(host.refusals()).toEqual(log);
  });

  test.each(refusedByProcess)('$what', async (one) => {
    const log = host.refusals();
    await refused(one);
    expect(host.refusals()).toEqual([...log, one.code]);
  });

  // What was refused above was refused for what had been done to it, and harmed nothing.
  test('nothing of all that: the newer export is taken', async () => {
    const outcome = await host.run('snap-store-proxy', 'push-store', carried.newer);
    expect(outcome.status).toBe(0);
    expect(outcome.stdout).toContain('Uploaded snap and assertions for my-app revision 3\n');
    const after = await host.traces();
    expect(after.pushed).not.toEqual(before.pushed);
    expect(after.answers).not.toEqual(before.answers);
  });
});

async function refused({ file, push, says, status }: Hostile): Promise<void> {
  const path = await file(carried);
  const outcome = await host.run('snap-store-proxy', push ?? 'push-store', path);
  const sentence = outcome.stderr.replaceAll(path, 'PATH').replaceAll(basename(path), 'NAME');
  expect(sentence).toMatch(/^error: cannot .*\n$/);
  if (typeof says === 'string') expect(sentence).toBe(`error: ${says}\n`);
  else expect(sentence.slice('error: '.length, -1)).toMatch(says);
  expect(outcome).toMatchObject({ stdout: '', status });
  expect(await host.traces()).toEqual(before);
}
