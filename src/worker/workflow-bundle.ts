import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sentenceOf } from '../errors.ts';
import { makeFolder } from '../folders.ts';
import { FAILURE_CONVERTER_PATH } from './data-converter.ts';
import { WorkerError } from './errors.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const WORKFLOWS = join(ROOT, 'src/workflows');
const BUNDLER = fileURLToPath(new URL('bundle-workflows.ts', import.meta.url));
const TRACE_CONTEXT = join(WORKFLOWS, 'trace-context.ts');
const PLACES = [
  join(ROOT, '.tools/workflows'),
  join(tmpdir(), `airlock-workflows-${process.getuid?.() ?? 0}`),
];

const runFile = promisify(execFile);

/**
 * The file with all workflows in one piece, made when their sources have changed since it was last made. It is made in
 * a process of its own: the bundler's memory would stay with the worker for good. One that lies where others could have put it is
 * not taken: it is code that the worker runs.
 * @param workflows folder whose index.ts exports them; the product's own when not given
 * @param places folders that it is looked for in, and made in the first of them that can be written
 * @throws WorkerError `workflows-unbundled`
 */
export async function workflowBundle(
  workflows: string = WORKFLOWS,
  places: readonly string[] = PLACES,
): Promise<string> {
  const name = `${await fingerprint(workflows)}.js`;
  for (const place of places) {
    const path = join(place, name);
    if ((await exists(path)) && (await isOurs(place))) return path;
  }
  for (const place of places) {
    const path = join(place, name);
    const made = await make(workflows, place, path);
    if (made) return path;
  }
  throw new WorkerError(
    'internal',
    'workflows-unbundled',
    `cannot keep the workflows' bundle: neither ${places.join(' nor ')} is a folder of its own user that it can write to`,
  );
}

/** False when the place cannot be written. */
async function make(workflows: string, place: string, path: string): Promise<boolean> {
  const part = `${path}.${process.pid}`;
  try {
    await makeFolder(place, 0o700);
    await access(place, constants.W_OK);
    if (!(await isOurs(place))) return false;
  } catch {
    return false;
  }
  try {
    await runFile(process.execPath, [BUNDLER, join(workflows, 'index.ts'), part]);
    await rename(part, path);
    return true;
  } catch (cause) {
    throw new WorkerError(
      'internal',
      'workflows-unbundled',
      `cannot bundle the workflows: ${sentenceOf(cause)}`,
      { cause },
    );
  } finally {
    await rm(part, { force: true });
  }
}

/** Whether nobody but the one that we run as, or root, can put files there. */
async function isOurs(place: string): Promise<boolean> {
  const { uid, mode } = await stat(place);
  return (uid === 0 || uid === process.getuid?.()) && (mode & 0o022) === 0;
}

/** Digest over all that the bundle is made from. */
async function fingerprint(workflows: string): Promise<string> {
  const hash = createHash('sha256');
  const sources = (await readdir(workflows, { recursive: true }))
    .filter((file) => file.endsWith('.ts'))
    .sort();
  const files = [
    ...sources.map((file) => join(workflows, file)),
    FAILURE_CONVERTER_PATH,
    TRACE_CONTEXT,
    BUNDLER,
    join(ROOT, 'package-lock.json'),
  ];
  for (const file of files) hash.update(`${file.slice(ROOT.length)}\n`).update(await readFile(file));
  return hash.digest('hex').slice(0, 32);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
