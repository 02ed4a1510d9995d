import { readFile, readdir } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { importsOf } from '../../scripts/imports.ts';
import { kitFiles } from '../../scripts/kit/contents.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const WORKFLOWS = '.tools/workflows/made-before.js';
let files: readonly string[];

beforeAll(async () => {
  files = await kitFiles(ROOT, WORKFLOWS, { platform: 'linux', arch: 'x64' });
});

describe('what a kit holds', () => {
  it('has each package that the product imports', async () => {
    const sources = (await readdir(join(ROOT, 'src'), { recursive: true })).filter((file) =>
      file.endsWith('.ts'),
    );
    const imported = new Set<string>();
    for (const file of sources)
      for (const { specifier, typeOnly } of importsOf(await readFile(join(ROOT, 'src', file), 'utf8')))
        if (!typeOnly && !specifier.startsWith('.') && !isBuiltin(specifier))
          imported.add(packageOf(specifier));
    const packed = new Set(
      files.filter((file) => file.startsWith('node_modules/')).map((file) => packageOf(file.slice(13))),
    );
    expect(imported.size).toBeGreaterThan(10);
    expect([...imported].filter((name) => !packed.has(name))).toEqual([]);
  });

  it('has the programs, Node, Temporal with its settings, the workflows, licence and documents', () => {
    for (const path of [
      'bin/airlock',
      'bin/launch',
      'src/cli/main.ts',
      'temporal.yaml',
      '.tools/node/bin/node',
      '.tools/temporal/temporal',
      WORKFLOWS,
      'LICENSE',
      'docs/how-to/README.md',
    ])
      expect(files).toContain(path);
  });

  it('has nothing that only its makers need', () => {
    const makers =
      /^(?:test|scripts|\.git|\.ci)\/|^node_modules\/(?:vitest|typescript|prettier|oxlint|fast-check)\/|\.d\.ts$/;
    expect(files.filter((file) => makers.test(file))).toEqual([]);
  });

  it('has the core of Temporal for one platform', () => {
    const cores = files.filter((file) => /core-bridge\/releases\/.*\.node$/.test(file));
    expect(cores).toEqual([
      'node_modules/@temporalio/core-bridge/releases/x86_64-unknown-linux-gnu/index.node',
    ]);
  });
});

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
