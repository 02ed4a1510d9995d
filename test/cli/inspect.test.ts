import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { encodeStream, signAssertion } from '../../src/assertions/index.ts';
import { newSigner } from '../support/brand-chain.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { newOutside, pairOf } from '../workflows/carried-store.ts';
import type { Outside } from '../workflows/hosts.ts';

const inspect = (...words: readonly string[]) => runCli('airlock', ['inspect', ...words]);

describe('what "snap download" leaves', () => {
  async function published(): Promise<Outside> {
    const outside = await newOutside();
    await outside.publishJourney();
    return outside;
  }

  test('is the snap that its assertions speak of, and their signatures hold', async () => {
    const { path, assertions } = await pairOf(await published(), 'my-base', 5);
    const { size } = await stat(path);
    const told = await inspect(path, assertions);
    expect(told).toMatchObject({ status: 0, stderr: '' });
    const lines = told.stdout.trimEnd().split('\n');
    expect(lines.slice(0, 2)).toEqual(['Kind: snap-pair', 'Snap my-base: revision 5']);
    expect(lines).toContainEqual(expect.stringMatching(/^snap-revision .*: revision 0, signed by \S+$/));
    expect(lines).toContain(`  my-base_5.snap: ok, ${size} bytes`);
    // The root of a private chain comes by another way than with a snap.
    expect(lines.at(-1)).toMatch(/^Every signature holds/);
    expect(await inspect(path)).toEqual(told);
    const json: unknown = JSON.parse((await inspect(path, '--json')).stdout);
    expect(json).toMatchObject({ kind: 'snap-pair', members: [{ name: 'my-base_5.snap', size }] });
  });

  test('is refused where the snap is another, or a part is missing or a signature wrong', async () => {
    const { path, assertions } = await pairOf(await published(), 'my-base', 5);
    const snap = await readFile(path);
    const stream = await readFile(assertions, 'utf8');

    await writeFile(path, Buffer.concat([snap, Buffer.from('x')]));
    expect(await inspect(path)).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/^error: cannot accept my-base_5\.snap: it is not the file that /),
    });
    await writeFile(path, snap);

    await writeFile(assertions, stream.replace(/snap-name: my-base/, 'snap-name: my-bass'));
    expect(await inspect(path)).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/its signature does not fit its content/),
    });
    const declared = stream
      .split(/\n\n(?=type: )/)
      .filter((one) => !one.startsWith('type: snap-declaration'));
    await writeFile(assertions, declared.join('\n\n'));
    expect(await inspect(path)).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/it must hold the snap-declaration of its snap/),
    });
    const elsewhere = join(await temporaryFolder(), 'other.assert');
    await rename(assertions, elsewhere);
    expect(await inspect(path)).toMatchObject({ status: 2, stderr: expect.stringContaining('.assert') });
    await writeFile(elsewhere, stream);
    expect(await inspect(path, elsewhere)).toMatchObject({ status: 0 });
    await rm(path);
    expect(await inspect(path, elsewhere)).toMatchObject({ status: 2 });
  });
});

describe('a stream of assertions', () => {
  test('tells whose key is not in it, and refuses a signature of another key', async () => {
    const { roots, brand } = (await newOutside()).chain;
    const file = join(await temporaryFolder(), 'brand.assert');
    await writeFile(file, encodeStream(brand));
    const alone = await inspect(file);
    expect(alone.stdout).toContain(', with a key that is not here\n');
    expect(alone.stdout).toMatch(/Every signature holds whose key is here; a host checks the others .*\n$/);

    await writeFile(file, encodeStream([...roots, ...brand]));
    expect((await inspect(file)).stdout).toMatch(/\nEvery signature holds\.\n$/);

    const [account] = brand;
    if (account === undefined) throw new Error('the brand has an account');
    const { type, headers } = account;
    const forged = await signAssertion({ type, headers }, newSigner(), new Date());
    const claimed = forgedBy(encodeStream([forged]), roots);
    await writeFile(file, Buffer.concat([encodeStream(roots), Buffer.from('\n'), claimed]));
    expect(await inspect(file)).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/its signature does not fit its content/),
    });
  });

  function forgedBy(bytes: Uint8Array, roots: Outside['chain']['roots']): Buffer {
    const key = roots.find(({ type }) => type === 'account-key')?.primaryKey[0] ?? '';
    return Buffer.from(
      Buffer.from(bytes)
        .toString()
        .replace(/sign-key-sha3-384: \S+/, `sign-key-sha3-384: ${key}`),
    );
  }
});

test('two files are a snap and its assertions', async () => {
  const file = join(await temporaryFolder(), 'x.assert');
  await writeFile(file, 'x');
  expect(await inspect(file, file)).toMatchObject({
    status: 2,
    stderr: 'error: cannot inspect two files: only a NAME.snap comes with another\n',
  });
});
