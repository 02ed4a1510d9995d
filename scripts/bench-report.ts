/** What a benchmark reports, and how a report is shown. A file `test/bench/<name>.bench.ts` exports `run(): Promise<BenchReport>`. */

/** One figure, beside the limit that was measured in the same run where there is one. */
export interface BenchFigure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What the machine or a part can do at best, in the same unit. */
  readonly limit?: { readonly name: string; readonly value: number };
  /** What was asked of us, as a sentence, and whether it was met. */
  readonly goal?: { readonly text: string; readonly met: boolean };
}

/** The figures of one subject. */
export interface BenchReport {
  readonly subject: string;
  /** How it was measured: how many, how often, what was running. */
  readonly method: string;
  readonly figures: readonly BenchFigure[];
  /** What the figures were taken from, row by row: the first row names the columns. */
  readonly details?: readonly (readonly string[])[];
}

/** Where and when a report was made. */
export interface BenchSetting {
  readonly command: string;
  readonly machine: string;
  readonly date: string;
}

/** A report as lines for a terminal. */
export function asTable(report: BenchReport): string {
  const figures = aligned([HEADER, ...report.figures.map(rowOf)]);
  const details = report.details ? ['', ...aligned(report.details)] : [];
  return [report.subject, '', ...figures, ...details, '', report.method].join('\n');
}

/** Rows in columns, with a rule below the first. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const [header = [], ...others] = rows;
  const widths = header.map((_title, column) => Math.max(...rows.map((row) => cell(row, column).length)));
  const line = (row: readonly string[]) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [header, widths.map((width) => '-'.repeat(width)), ...others].map(line);
}

/** The page docs/reference/performance.md. */
export function asPage(reports: readonly BenchReport[], setting: BenchSetting): string {
  const sections = reports.map((report) =>
    [
      `## ${report.subject}`,
      '',
      ...table([HEADER, ...report.figures.map(rowOf)]),
      '',
      ...(report.details ? [...table(report.details), ''] : []),
      report.method,
    ].join('\n'),
  );
  return [
    '# Performance',
    '',
    `Measured by \`${setting.command}\` on ${setting.date}: ${setting.machine}.`,
    'A ratio compares a figure with a limit that was measured in the same run, so that it can be repeated on another machine.',
    '',
    sections.join('\n\n'),
    '',
  ].join('\n');
}

const HEADER = ['figure', 'value', 'limit in the same run', 'ratio', 'goal'];

function rowOf({ name, value, unit, limit, goal }: BenchFigure): readonly string[] {
  return [
    name,
    `${number(value)} ${unit}`,
    limit === undefined ? '' : `${number(limit.value)} ${unit} (${limit.name})`,
    limit === undefined || limit.value === 0 ? '' : number(value / limit.value),
    goal === undefined ? '' : `${goal.met ? 'met' : 'NOT MET'}: ${goal.text}`,
  ];
}

/** Three digits that mean something. */
export function number(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

function cell(row: readonly string[], column: number): string {
  return row[column] ?? '';
}

function table([header = [], ...rows]: readonly (readonly string[])[]): string[] {
  return [header, header.map(() => '---'), ...rows].map(tableRow);
}

function tableRow(cells: readonly string[]): string {
  return `| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
}
