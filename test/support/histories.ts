/**
 * Recorded histories of workflows: `test/histories/<workflow>-<version>.json`. A change of a workflow that would break one
 * that is running fails on them. `AIRLOCK_RECORD_HISTORIES=1 npm test` records those that are missing.
 */
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import type { DataConverter } from '@temporalio/common';
import { z } from 'zod';
import { loadTemporalConfig } from '../../src/config/index.ts';
import { installRuntime } from '../../src/worker/runtime.ts';
import { workflowBundle } from '../../src/worker/workflow-bundle.ts';

const FOLDER = fileURLToPath(new URL('../histories', import.meta.url));

/** The recorded ones, as `<workflow>-<version>`. */
export async function recordedHistories(): Promise<readonly string[]> {
  const files = await readdir(FOLDER).catch(() => []);
  return files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -'.json'.length));
}

/** Records one finished workflow of each type that has no history yet. */
export async function keepHistories(client: Client): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  // The server lists a workflow a moment after it has ended.
  await sleep(2_000);
  const known = new Set((await recordedHistories()).map(workflowOf));
  for await (const { type, workflowId, runId, status } of client.workflow.list()) {
    if (known.has(type) || status.name !== 'COMPLETED') continue;
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    await writeFile(join(FOLDER, `${type}-1.json`), nameless(historyToJSON(history)));
    known.add(type);
  }
}

/** Without the name of the machine that recorded it. */
function nameless(history: string): string {
  return history
    .replaceAll(/"(identity|lastWorkerIdentity)": "[^"]*"/g, '"$1": "worker"')
    .replaceAll(/"name": "\d+@[^"]*"/g, '"name": "worker"');
}

const started = z.object({
  events: z
    .tuple([z.object({ workflowExecutionStartedEventAttributes: z.object({ workflowId: z.string() }) })])
    .rest(z.unknown()),
});

/** Runs today's code against a recorded history; throws when the two disagree. */
export async function replay(name: string, dataConverter: DataConverter): Promise<void> {
  // Otherwise the SDK tells on the console of each worker that it makes for a replay.
  installRuntime(await loadTemporalConfig({ env: {} }));
  const history: unknown = JSON.parse(await readFile(join(FOLDER, `${name}.json`), 'utf8'));
  await Worker.runReplayHistory(
    { workflowBundle: { codePath: await workflowBundle() }, dataConverter },
    history,
    started.parse(history).events[0].workflowExecutionStartedEventAttributes.workflowId,
  );
}

/** The workflow's name in that of a history. */
export function workflowOf(name: string): string {
  return name.replace(/-[^-]*$/, '');
}
