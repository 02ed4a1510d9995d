import { expect, test } from 'vitest';
import { asPage, asTable, type BenchReport } from '../../scripts/bench-report.ts';

const report: BenchReport = {
  subject: 'Serials',
  method: '200 devices, one after the other.',
  figures: [
    {
      name: 'POST to answer, p50',
      value: 61.23,
      unit: 'ms',
      limit: { name: 'raw HSM signature', value: 2.5 },
      goal: { text: 'at most the raw signature + 80 ms', met: true },
    },
    { name: 'rate', value: 481.7, unit: '/s' },
  ],
};

test('a report as a table shows figure, limit and ratio', () => {
  const lines = asTable(report).split('\n');
  expect(lines[4]).toBe(
    'POST to answer, p50  61.2 ms  2.5 ms (raw HSM signature)  24.5   met: at most the raw signature + 80 ms',
  );
  expect(lines[5]).toBe('rate                 482 /s');
});

test('what the figures were taken from follows them, in a table of its own', () => {
  const details = [
    ['minute', 'p50'],
    ['1', '183 ms'],
  ];
  expect(asTable({ ...report, details })).toContain('\nminute  p50\n------  ------\n1       183 ms\n');
  const page = asPage([{ ...report, details }], { command: 'c', date: 'd', machine: 'm' });
  expect(page).toContain('\n\n| minute | p50 |\n| --- | --- |\n| 1 | 183 ms |\n\n');
});

test('the page tells the command, the date and the machine, so that it can be repeated', () => {
  const page = asPage([report], { command: 'npm run bench', date: '2026-01-02', machine: '2 × Some CPU' });
  expect(page).toContain('Measured by `npm run bench` on 2026-01-02: 2 × Some CPU.');
  expect(page).toContain('| rate | 482 /s |  |  |  |');
});
