import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What a test snap is made of. */
export interface SnapRecipe {
  readonly name: string;
  readonly version: string;
  readonly type: 'app' | 'base' | 'gadget' | 'kernel' | 'snapd';
  readonly base?: string;
  /** `amd64` where none is named. */
  readonly architecture?: string;
  /** More lines of snap.yaml. */
  readonly yaml?: string;
  /** Bytes of a payload that does not compress; the same recipe gives the same bytes. */
  readonly payload?: number;
  readonly files?: Readonly<Record<string, string>>;
}

/** Packs a real squashfs snap into `file` with mksquashfs, the flags that `snap pack` uses but for compression of large payloads. */
export function packSnap(recipe: SnapRecipe, file: string): Promise<void> {
  return pack(filesOf(recipe), file, (recipe.payload ?? 0) > 1_000_000);
}

/** Packs the file of a component in the same way. */
export function packComponent(
  component: { readonly snap: string; readonly name: string; readonly version: string },
  file: string,
): Promise<void> {
  const { snap, name, version } = component;
  const yaml = [
    `component: ${snap}+${name}`,
    'type: standard',
    `version: '${version}'`,
    `summary: ${name} of ${snap}`,
    '',
  ].join('\n');
  return pack({ 'meta/component.yaml': yaml, 'share/notes': `${name} ${version}\n` }, file, false);
}

type Content = Readonly<Record<string, string | Buffer>>;

/** Small files that were packed before: the same content is the same bytes, and packing takes a tenth of a second. */
const packed = new Map<string, Buffer>();

async function pack(content: Content, file: string, large: boolean): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  if (large) return packAnew(content, file, large);
  const key = digestOf(content);
  const known = packed.get(key);
  if (known !== undefined) return writeFile(file, known);
  await packAnew(content, file, large);
  packed.set(key, await readFile(file));
}

function digestOf(content: Content): string {
  const hash = createHash('sha256');
  for (const [name, bytes] of Object.entries(content)) hash.update(`${name} ${bytes.length}\n`).update(bytes);
  return hash.digest('hex');
}

async function packAnew(content: Content, file: string, large: boolean): Promise<void> {
  const folder = await mkdtemp(`${file}.build-`);
  try {
    for (const [name, bytes] of Object.entries(content)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), bytes, {
        mode: name.startsWith('bin/') || name.includes('/hooks/') ? 0o755 : 0o644,
      });
    }
    await rm(file, { force: true });
    await run('mksquashfs', [
      folder,
      file,
      '-noappend',
      '-comp',
      large ? 'gzip' : 'xz',
      ...(large ? ['-noD'] : []),
      '-no-fragments',
      '-no-progress',
      '-all-root',
      '-no-xattrs',
      '-quiet',
      '-all-time',
      '0',
      '-mkfs-time',
      '0',
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function filesOf(recipe: SnapRecipe): Record<string, string | Buffer> {
  const yaml = [
    `name: ${recipe.name}`,
    `version: '${recipe.version}'`,
    `type: ${recipe.type}`,
    `summary: ${recipe.name} of the example`,
    'description: |',
    `  A small snap, packed to be carried to ${recipe.name}'s devices.`,
    'confinement: strict',
    'grade: stable',
    `architectures: [${recipe.architecture ?? 'amd64'}]`,
    ...(recipe.base ? [`base: ${recipe.base}`] : []),
    ...(recipe.type === 'app' ? ['apps:', `  ${recipe.name}:`, '    command: bin/hello'] : []),
    ...(recipe.yaml ? [recipe.yaml.trimEnd()] : []),
    '',
  ].join('\n');
  return {
    'meta/snap.yaml': yaml,
    ...(recipe.type === 'app' ? { 'bin/hello': `#!/bin/sh\necho ${recipe.name} ${recipe.version}\n` } : {}),
    ...(recipe.type === 'snapd' ? { 'usr/lib/snapd/info': 'VERSION=2.77\n' } : {}),
    ...recipe.files,
    ...(recipe.payload ? { 'payload.bin': noise(`${recipe.name} ${recipe.version}`, recipe.payload) } : {}),
  };
}

/** Bytes that do not compress and are the same for the same seed. */
function noise(seed: string, size: number): Buffer {
  return createHash('shake256', { outputLength: size }).update(seed).digest();
}
