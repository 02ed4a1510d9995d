import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { CRASH_POINTS, crashPoints } from '../../src/activities/crash-point.ts';

describe('crash points', () => {
  test('do nothing unless they are asked for', () => {
    const kill = vi.fn<() => void>();
    crashPoints(undefined, kill)('serials-after-sign');
    crashPoints('', kill)('serials-after-sign');
    crashPoints('serials-before-sign', kill)('serials-after-sign');
    expect(kill).not.toHaveBeenCalled();
  });

  test('kill at the first passage, or at the one that is named, and only once', () => {
    const kill = vi.fn<() => void>();
    const pass = crashPoints('serials-after-sign@3,intent-after-commit', kill);
    pass('serials-after-sign');
    pass('serials-after-sign');
    expect(kill).not.toHaveBeenCalled();
    pass('serials-after-sign');
    expect(kill).toHaveBeenCalledTimes(1);
    pass('serials-after-sign');
    pass('intent-after-commit');
    expect(kill).toHaveBeenCalledTimes(2);
  });

  test.each(['nowhere', 'serials-after-sign@0', 'serials-after-sign@x', '@2'])('%s is refused', (wanted) => {
    expect(() => crashPoints(wanted, vi.fn<() => void>())).toThrow('there is no such point');
  });
});

test('every crash point is passed somewhere in the product', async () => {
  const files = (await readdir('src', { recursive: true })).filter((file) => file.endsWith('.ts'));
  const sources = await Promise.all(files.map((file) => readFile(join('src', file), 'utf8')));
  const passed = new Set(
    sources.flatMap((source) => [...source.matchAll(/crashPoint\('([\w-]+)'\)/g)].map(([, name]) => name)),
  );
  expect(CRASH_POINTS.filter((point) => !passed.has(point))).toEqual([]);
});
