import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';

import { AirlockError } from '../../errors.ts';
import { addUpload, uploadFile } from '../../storage/authority/index.ts';
import type { PublisherApiDeps } from './deps.ts';

/** What taking in a file needs. */
export type IntakeDeps = Pick<PublisherApiDeps, 'database' | 'blobs' | 'clock' | 'maxUploadBytes'>;

const DEFAULT_MAX_BYTES = 8 * 1024 ** 3;

/**
 * Writes a file that comes in to the staging folder, with a limit on its size, and notes it. Nothing is left when the
 * sender goes away half-way.
 *
 * @returns the id under which the file can be claimed
 * @throws AirlockError `upload-too-large` or `upload-empty`
 */
export async function receiveUpload(
  deps: IntakeDeps,
  bytes: AsyncIterable<Uint8Array>,
  fileName: string,
): Promise<string> {
  const id = randomUUID();
  const path = uploadFile(deps.blobs, id);
  try {
    const size = await write(path, bytes, deps.maxUploadBytes ?? DEFAULT_MAX_BYTES);
    if (size === 0)
      throw new AirlockError('invalid', 'upload-empty', 'cannot take the upload: the file is empty');
    await addUpload(deps.database.queries, { id, size, fileName: fileName.slice(0, 128) }, deps.clock());
    return id;
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

async function write(path: string, bytes: AsyncIterable<Uint8Array>, limit: number): Promise<number> {
  const file = await open(path, 'wx', 0o600);
  try {
    let size = 0;
    for await (const chunk of bytes) {
      size += chunk.length;
      if (size > limit) {
        const sentence = `cannot take the upload: the file is larger than ${limit} bytes`;
        throw new AirlockError('too-large', 'upload-too-large', sentence);
      }
      await file.writeFile(chunk);
    }
    return size;
  } finally {
    await file.close();
  }
}
