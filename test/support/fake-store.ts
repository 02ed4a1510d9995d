import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { decodeStream } from '../../src/assertions/index.ts';
import { freePort } from './free-port.ts';
import { temporaryFolder } from './temporary-folder.ts';

const run = promisify(execFile);

/**
 * A store for tests with a chain that snapd's code signed; its address, the folder of its chain, and its roots. `fakestore` is
 * snapd's own; `fakeserver` is the one of test/interop/snapd, which has sessions, serials and channel maps too.
 */
export async function fakeStore(program: string, kind: 'fakestore' | 'fakeserver' = 'fakestore') {
  const chain = join(await temporaryFolder(), 'chain');
  await run(program, ['chain', '--out', chain, '--snaps', '2', '--key-bits', '2048']);
  const port = await freePort();
  const child = spawn(program, [kind, '--chain', chain, '--addr', `127.0.0.1:${port}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill();
  });
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => {
        if (text.toString().includes('listening')) resolve();
      });
    child.once('exit', () => reject(new Error('the fake store ended')));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    chain,
    roots: decodeStream(await readFile(join(chain, 'trusted.assert'))),
  };
}
