import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';

import { AirlockError } from '../errors.ts';
import {
  parseComponentYaml,
  parseSnapYaml,
  SNAP_YAML_MAX,
  type ComponentYaml,
  type SnapYaml,
} from '../snaps/index.ts';

const run = promisify(execFile);
/** How a squashfs image begins, as snaps and components are. */
export const SQUASHFS_MAGIC = 'hsqs';
/** Reading one small file takes milliseconds; a crafted image must not hold a worker for longer. */
const DEADLINE_MS = 30_000;

/** A snap.yaml, both as text and as read. */
export interface SnapMetadata {
  readonly text: string;
  readonly yaml: SnapYaml;
}

/**
 * Reads meta/snap.yaml out of a snap file with `unsquashfs`, which is told to write that one file to a pipe: nothing
 * of a stranger's image ever lands on disk.
 *
 * @throws AirlockError `snap-unreadable`, or SnapError for a snap.yaml that breaks its rules
 */
export async function readSnapMetadata(file: string, signal?: AbortSignal): Promise<SnapMetadata> {
  if ((await magicOf(file)) !== SQUASHFS_MAGIC) throw unreadable('it is no squashfs image');
  const text = await cat(file, 'meta/snap.yaml', signal);
  if (text === '') throw unreadable('it has no meta/snap.yaml');
  return { text, yaml: parseSnapYaml(text) };
}

/**
 * Reads meta/component.yaml out of the file of a component, in the same way.
 *
 * @throws AirlockError `snap-unreadable`, or SnapError for a component.yaml that breaks its rules
 */
export async function readComponentMetadata(file: string, signal?: AbortSignal): Promise<ComponentYaml> {
  if ((await magicOf(file)) !== SQUASHFS_MAGIC) throw unreadable('it is no squashfs image');
  const text = await cat(file, 'meta/component.yaml', signal);
  if (text === '') throw unreadable('it has no meta/component.yaml');
  return parseComponentYaml(text);
}

async function cat(image: string, member: string, signal?: AbortSignal): Promise<string> {
  try {
    const { stdout } = await run('unsquashfs', ['-cat', image, member], {
      maxBuffer: SNAP_YAML_MAX,
      timeout: DEADLINE_MS,
      encoding: 'utf8',
      ...(signal ? { signal } : {}),
    });
    return stdout;
  } catch (cause) {
    if (signal?.aborted) throw cause;
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
      const sentence = 'cannot read snap files: install squashfs-tools 4.5 or newer, which has unsquashfs';
      throw new AirlockError('unavailable', 'unsquashfs-missing', sentence, { cause });
    }
    throw unreadable(`unsquashfs cannot read its ${member}`, cause);
  }
}

async function magicOf(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(SQUASHFS_MAGIC.length),
      0,
      SQUASHFS_MAGIC.length,
      0,
    );
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

function unreadable(why: string, cause?: unknown): AirlockError {
  return new AirlockError('invalid', 'snap-unreadable', `cannot read the snap file: ${why}`, { cause });
}
