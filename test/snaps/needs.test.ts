import { expect, test } from 'vitest';
import { missedFor, needsOf, parseSnapYaml } from '../../src/snaps/index.ts';

const needs = (...lines: string[]) =>
  needsOf(parseSnapYaml(['name: a', "version: '1'", ...lines].join('\n'))).map(
    ({ name, why }) => `${name}: ${why}`,
  );

test('an app or gadget needs its base, and the snapd snap where it has one', () => {
  expect(needs('base: core24')).toEqual(['core24: its base', 'snapd: for its base']);
  expect(needs('type: gadget', 'base: core24')).toEqual(['core24: its base', 'snapd: for its base']);
  expect(needs('base: bare')).toEqual(['bare: its base', 'snapd: for its base']);
  expect(needs()).toEqual(['core: its base']);
});

test('a snap that says so has no base, and bases, kernels and snapd have none', () => {
  expect(needs('base: none')).toEqual([]);
  for (const type of ['base', 'kernel', 'snapd']) expect(needs(`type: ${type}`)).toEqual([]);
});

test('a content plug needs its default provider, in the older form too; other plugs and other texts need nothing', () => {
  expect(
    needs(
      'type: base',
      'plugs:',
      '  gnome: { interface: content, target: $SNAP/g, default-provider: gnome-46 }',
      '  themes: { interface: content, target: $SNAP/t, default-provider: "themes:gtk-3" }',
      '  content: { target: $SNAP/c, default-provider: short }',
      '  network: { default-provider: nobody }',
      '  odd: { interface: content, default-provider: [one] }',
    ),
  ).toEqual([
    'gnome-46: default provider of gnome',
    'themes: default provider of themes',
    'short: default provider of content',
  ]);
});

test.each([
  ['comes for all that need it', ['amd64', 'arm64'], ['arm64', 'amd64'], undefined],
  ['comes for any architecture', ['amd64', 'arm64'], ['all'], undefined],
  ['comes for one of those that a snap for any runs on', ['all'], ['amd64'], undefined],
  ['does not come', ['amd64'], undefined, ''],
  ['comes for another architecture', ['arm64'], ['amd64'], ' for arm64'],
  ['comes for one of three', ['riscv64', 'amd64', 'arm64'], ['amd64'], ' for arm64 and riscv64'],
] as const)('what %s', (_, wanted, held, words) => {
  expect(missedFor(wanted, held)).toBe(words);
});
