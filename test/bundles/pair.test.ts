import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readPair } from '../../src/bundles/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('assertions beside a snap that were cut off are refused by the name of their file', async () => {
  const path = join(await temporaryFolder(), 'jq_6.assert');
  await writeFile(path, 'type: snap-revision\nauthority-id: canonical\nbody-length: 40\n\nhalf');
  await expect(readPair(path)).rejects.toMatchObject({
    kind: 'invalid',
    code: 'snap-assertions-wrong',
    message: `cannot use ${path}: it must hold whole assertions alone (cannot read the assertion: it ends within its body), as "snap download" writes it`,
  });
});
