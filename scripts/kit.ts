/**
 * `npm run kit [-- --out FOLDER]`: packs Airlock with all that it runs on into one file, for machines that reach no registry. The name
 * holds a digest of what is inside; the same content makes the same file.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { workflowBundle } from '../src/worker/workflow-bundle.ts';
import { kitFiles } from './kit/contents.ts';
import { sha256 } from './setup/digest.mjs';
import { getNode } from './setup/node.mjs';
import { NODE, SYSTEM_PARTS } from './setup/parts.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OWN = join(ROOT, 'scripts/kit');
/** What lies at the top of a kit besides the product. */
const BESIDE = ['install.sh', 'airlock.service', 'airlock.sysusers', 'environment'];

const run = promisify(execFile);
const packageSchema = z.object({ version: z.string() });

const { values } = parseArgs({ options: { out: { type: 'string', default: '.' } } });
const out = resolve(process.env['INIT_CWD'] ?? '.', values.out);
const { platform, arch } = process;
if (platform !== 'linux') {
  console.error(`cannot make a kit on ${platform}: hosts run Linux; make it on a Linux machine like theirs`);
  process.exit(1);
}

await mkdir(out, { recursive: true });
const work = await mkdtemp(join(tmpdir(), 'airlock-kit-'));
try {
  // A kit always brings Node: the machine's own may need libraries that are not on the other side.
  if (!existsSync(join(NODE.folder, 'bin/node'))) await getNode();
  console.error('kit: reading what belongs to it');
  const bundle = relative(ROOT, await workflowBundle());
  const files = await kitFiles(ROOT, bundle, { platform, arch });
  await writeFile(join(work, 'REQUIRES'), requirements());
  for (const file of BESIDE) await copyFile(join(OWN, file), join(work, file));
  const sums = [...(await sumsOf(ROOT, files)), ...(await sumsOf(work, [...BESIDE, 'REQUIRES']))];
  const { version } = packageSchema.parse(JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')));
  const content = createHash('sha256').update(sums.join('')).digest('hex').slice(0, 8);
  const name = `airlock-${version}-${content}-${platform}-${arch}`;
  await writeFile(join(work, 'NAME'), `${name}\n`);
  sums.push(...(await sumsOf(work, ['NAME'])));
  await writeFile(join(work, 'SHA256SUMS'), sums.join(''));
  await writeFile(join(work, 'files'), files.map((file) => `${file}\n`).join(''));
  console.error(`kit: packing ${files.length} files`);
  const path = join(out, `${name}.tar.gz`);
  await pack(path, name);
  const { size } = await stat(path);
  console.log(`${path}\n${Math.ceil(size / 2 ** 20)} MiB, SHA-256 ${await sha256(path)}`);
} finally {
  await rm(work, { recursive: true, force: true });
}

/** Programs that the distribution of a host must bring, a line each: program, what for, packages of Debian and Ubuntu. */
function requirements(): string {
  return SYSTEM_PARTS.flatMap(({ program, purpose, packages, building = false }) =>
    program === undefined || building ? [] : [`${program}\t${purpose}\t${packages['apt-get'].join(' ')}\n`],
  ).join('');
}

/** Lines as sha256sum reads them. */
async function sumsOf(folder: string, files: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  const step = 4 * availableParallelism();
  for (let from = 0; from < files.length; from += step)
    lines.push(
      ...(await Promise.all(
        files.slice(from, from + step).map(async (file) => `${await sha256(join(folder, file))}  ${file}\n`),
      )),
    );
  return lines;
}

/** Owner, modes and times are the same whoever packs; the file has its name once it is whole. */
async function pack(path: string, name: string): Promise<void> {
  const part = `${path}.part`;
  const same = [
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--mode=u=rwX,go=rX',
  ];
  const links = ['--dereference', '--hard-dereference'];
  const from = ['-C', ROOT, '--verbatim-files-from', `--files-from=${join(work, 'files')}`];
  const beside = ['-C', work, ...BESIDE, 'REQUIRES', 'NAME', 'SHA256SUMS'];
  try {
    await run('tar', [
      ...['--create', '--gzip', `--file=${part}`, `--transform=s,^,${name}/,`],
      ...[...same, ...links, ...from, ...beside],
    ]);
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
}
