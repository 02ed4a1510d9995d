import { describe, expect, test } from 'vitest';
import { circlesOf } from '../../scripts/import-circles.ts';
import { FACES, IMPORT_RULES } from '../../scripts/import-rules.ts';
import { importsOf, judge } from '../../scripts/imports.ts';

const complaints = (file: string, source: string) => judge(file, importsOf(source), IMPORT_RULES, FACES);

describe('reading imports', () => {
  test.each([
    ["import { a } from './a.ts';", './a.ts', false],
    ["import type { A } from './a.ts';", './a.ts', true],
    ["import { type A, type B } from './a.ts';", './a.ts', true],
    ["import { type A, b } from './a.ts';", './a.ts', false],
    ["import a, { b } from './a.ts';", './a.ts', false],
    ["import * as a from './a.ts';", './a.ts', false],
    ["export * from './a.ts';", './a.ts', false],
    ["export type { A } from './a.ts';", './a.ts', true],
    ["import './a.ts';", './a.ts', false],
    ["import {\n  a,\n  b,\n} from './a.ts';", './a.ts', false],
    ["const a = await import('./a.ts');", './a.ts', false],
  ])('%s', (source, specifier, typeOnly) => {
    expect(importsOf(source)).toEqual([{ specifier, typeOnly, line: 1 }]);
  });

  test.each([
    "// import { a } from './a.ts';",
    "/* import { a } from './a.ts'; */",
    "/**\n * import { a } from './a.ts';\n */",
    "const text = 'a comment // in a text';\nconst other = 1;",
  ])('finds none in %j', (source) => {
    expect(importsOf(source)).toEqual([]);
  });

  test('tells the line, comments and all', () => {
    const source = "/** Two\n * lines. */\nimport { a } from './a.ts';\n\nimport { b } from './b.ts';\n";
    expect(importsOf(source).map(({ line }) => line)).toEqual([3, 5]);
  });
});

describe('directions', () => {
  test.each([
    ['snaps/a.ts', "import { b } from '../assertions/index.ts';"],
    ['snaps/a.ts', "import { createHash } from 'node:crypto';"],
    ['workflows/a.ts', "import type { A } from '../activities/a.ts';"],
    ['workflows/a.ts', "import { proxyActivities } from '@temporalio/workflow';"],
    ['activities/a.ts', "import { openHsm } from '../hsm/index.ts';"],
    ['api/device/a.ts', "import { b } from '../../storage/index.ts';"],
    ['cli/airlock/up.ts', "import { b } from '../../appliance/index.ts';"],
  ])('%s may: %s', (file, source) => {
    expect(complaints(file, source)).toEqual([]);
  });

  test.each([
    ['snaps/a.ts', "import { b } from '../storage/index.ts';", /pure folders/],
    ['snaps/a.ts', "import { readFile } from 'node:fs/promises';", /pure folders/],
    ['workflows/a.ts', "import { a } from '../activities/a.ts';", /deterministic/],
    ['workflows/a.ts', "import { z } from 'zod';", /deterministic/],
    ['api/a.ts', "import { openHsm } from '../hsm/index.ts';", /only through workflows/],
    ['cli/store-admin/a.ts', "import { a } from '../../storage/index.ts';", /HTTP or Temporal/],
    ['storage/a.ts', "import { a } from '../api/a.ts';", /keeps what others decide/],
    ['activities/a.ts', "import { a } from '../worker/worker.ts';", /nothing imports/],
    ['activities/a.ts', "import { a } from '../hsm/child.ts';", /only hsm\/index\.ts/],
    ['snaps/a.ts', "import { a } from '../../scripts/a.ts';", /outside src/],
    ['nowhere/a.ts', '', /no rule/],
  ])('%s may not: %s', (file, source, sentence) => {
    expect(complaints(file, source)).toEqual([expect.stringMatching(sentence)]);
  });
});

describe('circles', () => {
  const graph = (edges: Readonly<Record<string, readonly string[]>>) => new Map(Object.entries(edges));

  test('none where files only build on others', () => {
    expect(circlesOf(graph({ a: ['b', 'c'], b: ['c'], c: [] }))).toEqual([]);
  });

  test('each is told once, by the shortest way round from its first file', () => {
    const edges = { z: ['c'], c: ['a', 'b'], b: ['c'], a: ['b', 'y'], y: ['y'], e: ['d'], d: ['e'] };
    expect(circlesOf(graph(edges))).toEqual([
      ['a', 'b', 'c', 'a'],
      ['d', 'e', 'd'],
    ]);
  });
});
