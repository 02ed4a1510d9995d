/** A rule is at least this much longer than its header: seed 001 has 27 hyphens below "Active serial signing key". */
const HEADER_MARGIN = 2;

/** A column: its header, and which side its cells lean to. */
export interface Column {
  readonly header: string;
  readonly align?: 'left' | 'right';
}

/**
 * Lays a table out as the documented commands do (seed 001): a header, a rule of hyphens as wide as each column, two
 * spaces between columns, no spaces at line ends.
 *
 * @returns the lines, header and rule included even when there are no rows
 */
export function tableLines(
  columns: readonly (string | Column)[],
  rows: readonly (readonly string[])[],
): string[] {
  const full = columns.map((column) => (typeof column === 'string' ? { header: column } : column));
  const widths = full.map(({ header }, index) =>
    Math.max(header.length + HEADER_MARGIN, ...rows.map((row) => (row[index] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    full
      .map(({ align }, index) => pad(cells[index] ?? '', widths[index] ?? 0, align))
      .join('  ')
      .trimEnd();
  return [
    line(full.map(({ header }) => header)),
    line(widths.map((width) => '-'.repeat(width))),
    ...rows.map(line),
  ];
}

/**
 * Lays out columns with a header and no rule, four spaces apart, as `list-pushed-snaps` does
 * (protocol/operators.md, section 1.1).
 */
export function plainTableLines(headers: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = headers.map((header, index) =>
    Math.max(header.length, ...rows.map((row) => (row[index] ?? '').length)),
  );
  return [headers, ...rows].map((cells) =>
    cells
      .map((cell, index) => (index === cells.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join(PLAIN_GAP)
      .trimEnd(),
  );
}

const PLAIN_GAP = '   ';

function pad(cell: string, width: number, align: 'left' | 'right' = 'left'): string {
  return align === 'right' ? cell.padStart(width) : cell.padEnd(width);
}
