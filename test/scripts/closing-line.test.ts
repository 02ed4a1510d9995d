import { expect, test } from 'vitest';
import { closingLine, sum, tallyIn } from '../../scripts/closing-line.ts';

test('the closing line counts what passed, failed and, if any were, was skipped', () => {
  expect(closingLine({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed');
  expect(closingLine({ passed: 3, failed: 1, skipped: 2 })).toBe('3 passed, 1 failed, 2 skipped');
});

test('the last closing line of an output is read back', () => {
  const output = 'noise\n1 passed, 1 failed\nnoise 9 passed, 9 failed\n4 passed, 0 failed, 2 skipped\nend\n';
  expect(tallyIn(output)).toEqual({ passed: 4, failed: 0, skipped: 2 });
  expect(tallyIn('nothing of the kind')).toBeUndefined();
});

test('several runs make one', () => {
  const run = { passed: 2, failed: 1, skipped: 0 };
  expect(sum([run, run, { passed: 0, failed: 0, skipped: 4 }])).toEqual({ passed: 4, failed: 2, skipped: 4 });
});
