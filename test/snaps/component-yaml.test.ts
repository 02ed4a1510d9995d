import { describe, expect, test } from 'vitest';
import { parseComponentYaml } from '../../src/snaps/index.ts';

describe('a component.yaml', () => {
  test('names its snap, itself, its type and perhaps its version', () => {
    expect(parseComponentYaml('component: my-snap+drivers\ntype: kernel-modules\nversion: 1.10\n')).toEqual({
      snap: 'my-snap',
      name: 'drivers',
      type: 'kernel-modules',
      version: '1.10',
    });
    expect(parseComponentYaml('component: my-snap+drivers\ntype: standard\nsummary: x\n').version).toBe(
      undefined,
    );
  });

  test.each([
    ['', 'it is empty'],
    ['component: drivers\ntype: standard\n', 'component'],
    ['component: My+drivers\ntype: standard\n', 'component'],
    ['component: a+b+c\ntype: standard\n', 'component'],
    ['component: my-snap+drivers\ntype: app\n', 'type'],
    ['component: my-snap+drivers\ntype: standard\nversion: [1]\n', 'version'],
    ['component: "my-snap+drivers\n', 'it is not valid YAML'],
    [`component: my-snap+drivers\ntype: standard\nnote: ${'x'.repeat(600_000)}\n`, 'it has more than'],
  ])('is refused with the field at fault: %#', (text, where) => {
    expect(() => parseComponentYaml(text)).toThrow(
      expect.objectContaining({
        code: 'component-yaml-invalid',
        message: expect.stringContaining(`cannot use component.yaml: ${where}`),
      }),
    );
  });
});
