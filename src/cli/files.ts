import { lstat, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { text } from 'node:stream/consumers';

import { makeFolder } from '../folders.ts';
import { systemFailure } from '../system-failures.ts';
import type { CliContext } from './context.ts';
import { CliError, usageError } from './errors.ts';
import { exportFolder } from './profile.ts';

/** As much as the gateway takes in one request: an allow-list of 100,000 rows. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

/**
 * Reads a file that the command line names, of at most `limit` bytes; `-` is standard input.
 *
 * @throws CliError `file-unreadable`; AbortError at an interrupt
 */
export async function readDocument(
  { terminal, signal }: Pick<CliContext, 'terminal' | 'signal'>,
  file: string,
  limit = MAX_DOCUMENT_BYTES,
): Promise<string> {
  // The stream is closed with it, so that a terminal keeps nobody waiting.
  if (file === '-') return text(addAbortSignal(signal, terminal.stdin));
  try {
    const { size } = await stat(file);
    if (size > limit)
      throw unreadable(file, `it is larger than ${limit} bytes; a list can be split and handed in by parts`);
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw unreadable(file, reasonOf(cause), cause);
  }
}

/**
 * The absolute path of a file that must be there: the appliance reads it itself.
 *
 * @throws CliError `file-unreadable`
 */
export async function existingFile(file: string): Promise<string> {
  try {
    if ((await stat(file)).isFile()) return resolve(file);
  } catch (cause) {
    throw unreadable(file, reasonOf(cause), cause);
  }
  throw unreadable(file, 'it is no file');
}

/**
 * Writes what was asked for to a file that the command line names: whole or not at all, but for what is no plain file.
 *
 * @throws CliError `file-unwritable`
 */
export async function save(file: string, text: string, mode = 0o644): Promise<void> {
  try {
    if (await isSpecial(file)) await writeFile(file, text);
    else await replaceFile(file, text, mode);
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

async function replaceFile(file: string, text: string, mode: number): Promise<void> {
  const unfinished = `${file}.${process.pid}.part`;
  try {
    await writeFile(unfinished, text, { mode, flag: 'wx' });
    await rename(unfinished, file);
  } catch (error) {
    if (!isTaken(error)) await rm(unfinished, { force: true });
    throw error;
  }
}

/** A pipe, a terminal, a link: what is there stays, and takes what is written. */
async function isSpecial(file: string): Promise<boolean> {
  const found = await lstat(file).catch(() => undefined);
  return found !== undefined && !found.isFile();
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}

/**
 * The folder that exported files go to, made where it is missing: the one asked for, else this user's own.
 *
 * @throws CliError `file-unwritable`
 */
export async function makeExportFolder(
  { terminal }: CliContext,
  wanted: string | undefined,
): Promise<string> {
  const folder = wanted === undefined ? resolve(exportFolder(terminal.env)) : namedFolder(wanted);
  try {
    await makeFolder(folder);
    return folder;
  } catch (cause) {
    throw new CliError(
      'invalid',
      'file-unwritable',
      `cannot write to ${folder}: name another folder by --export-dir`,
      { cause },
    );
  }
}

/**
 * The whole path of a folder that --export-dir names. An empty word is a variable of a script that was not set, and would name the folder
 * that the command happens to run in.
 *
 * @throws CliError `usage`
 */
export function namedFolder(text: string): string {
  if (text.trim() !== '') return resolve(text);
  throw usageError(`cannot write to "${text}": name a folder by --export-dir`);
}

/** An error for a file that cannot be written. */
export function unwritable(file: string, cause: unknown): CliError {
  const failure = systemFailure(cause, `write ${file}`);
  if (failure) return new CliError(failure.kind, 'file-unwritable', failure.message, { cause });
  const sentence = `cannot write ${file}: check that its folder exists and is yours`;
  return new CliError('invalid', 'file-unwritable', sentence, { cause });
}

/** An error for a file whose name another one has: that is never written over. */
export function nameTaken(file: string): CliError {
  const sentence = `cannot write ${file}: another file has that name; move it away, or name another folder by --export-dir`;
  return new CliError('conflict', 'file-unwritable', sentence);
}

/** An error for a file that cannot be read; `why` completes the sentence. */
export function unreadable(file: string, why: string, cause?: unknown): CliError {
  return new CliError('invalid', 'file-unreadable', `cannot read ${file}: ${why}`, { cause });
}

/** What a system error means, in words. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a folder';
    default:
      return 'it cannot be opened';
  }
}
