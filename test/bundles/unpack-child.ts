/** Unpacks a hostile archive, and tells how that ended, how much memory it took, and how large its folder ever was. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isAirlockError } from '../../src/errors.ts';
import { unpackBundle } from '../../src/bundles/index.ts';

const [path = '', folder = ''] = process.argv.slice(2);
let largest = 0;

async function look(): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const sizes = names.map((name) =>
    stat(join(folder, name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  largest = Math.max(largest, bytes);
}

const looking = setInterval(() => void look(), 5);
let code = 'taken';
try {
  await unpackBundle(path, { folder, onProgress: () => void look() });
} catch (error) {
  code = isAirlockError(error) ? error.code : String(error);
}
clearInterval(looking);
const left = await readdir(folder).catch(() => []);
console.log(JSON.stringify({ code, left, largest, peak: process.resourceUsage().maxRSS * 1024 }));
