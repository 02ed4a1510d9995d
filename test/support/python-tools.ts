import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inTurn } from './in-turn.ts';

const run = promisify(execFile);

const REQUIREMENTS = join(import.meta.dirname, '../interop/requirements.txt');
const TOOLS = join(import.meta.dirname, '../../.tools/python');

/** Python with the packages of test/interop/requirements.txt, or why there is none. */
export type PythonTools =
  | { readonly folder: string; readonly env: NodeJS.ProcessEnv; readonly reason?: undefined }
  | { readonly folder: undefined; readonly reason: string };

/**
 * Installs the packages once for their list, into a folder of the project's own; where Python or its package index is
 * missing there are none, and tests that need them are skipped with the reason.
 */
export async function pythonTools(): Promise<PythonTools> {
  const list = await readFile(REQUIREMENTS);
  const folder = join(TOOLS, createHash('sha256').update(list).digest('hex').slice(0, 16));
  const reason = await inTurn(folder, async () => ((await isThere(folder)) ? undefined : install(folder)));
  if (reason !== undefined) {
    process.stdout.write(`${reason}\n`);
    return { folder: undefined, reason };
  }
  return {
    folder,
    env: { ...process.env, PYTHONPATH: folder, PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}` },
  };
}

function isThere(folder: string): Promise<boolean> {
  return access(folder).then(
    () => true,
    () => false,
  );
}

/** Installs beside the final place and moves, so that what is there is whole. Gives the reason when it cannot. */
async function install(folder: string): Promise<string | undefined> {
  const draft = `${folder}.${process.pid}`;
  await mkdir(TOOLS, { recursive: true });
  try {
    const options = [
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--target',
      draft,
      '--requirement',
      REQUIREMENTS,
    ];
    await run('python3', ['-m', 'pip', ...options], { timeout: 600_000, maxBuffer: 1 << 24 });
    await rename(draft, folder);
    return undefined;
  } catch (error) {
    const [line = ''] = String(error instanceof Error && 'stderr' in error ? error.stderr : error).split(
      '\n',
    );
    return `Python's packages of test/interop/requirements.txt cannot be installed, and the tests with them are skipped: ${line}`;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
