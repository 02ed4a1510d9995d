import { chmod, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { workflowBundle } from '../../src/worker/workflow-bundle.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PROBE = fileURLToPath(new URL('../support/probe-workflows', import.meta.url));

describe('the bundle of the workflows', () => {
  it('is made once, and found after that', async () => {
    const place = await temporaryFolder();
    const path = await workflowBundle(PROBE, [place]);
    expect(dirname(path)).toBe(place);
    await writeFile(path, 'made before');
    expect(await workflowBundle(PROBE, [place])).toBe(path);
    expect(await readFile(path, 'utf8')).toBe('made before');
  });

  it('is neither taken from nor put into a folder that others can write to: it is code', async () => {
    const [open, own] = [await temporaryFolder(), await temporaryFolder()];
    const planted = await workflowBundle(PROBE, [open]);
    await chmod(open, 0o777);
    const taken = await workflowBundle(PROBE, [open, own]);
    expect(dirname(planted)).toBe(open);
    expect(dirname(taken)).toBe(own);
    await expect(workflowBundle(PROBE, [open])).rejects.toMatchObject({ code: 'workflows-unbundled' });
  });

  it('is made in the next place where the first cannot be', async () => {
    const own = await temporaryFolder();
    const path = await workflowBundle(PROBE, ['/proc/nowhere', own]);
    expect(dirname(path)).toBe(own);
  });
});
