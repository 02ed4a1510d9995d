import { DeviceError } from './errors.ts';

/**
 * Reads comma-separated text (RFC 4180: quotes, doubled quotes, line breaks inside quotes; LF or CRLF) with a header row.
 * Blank lines are skipped. Throws {@link DeviceError} `list-malformed` with the line at fault.
 */
export function readCommaSeparated(text: string): { line: number; fields: Record<string, string> }[] {
  const rows = splitRows(text.replace(/^\uFEFF/, ''));
  const [head, ...rest] = rows;
  if (head === undefined) throw new DeviceError('list-malformed', 'cannot read the list: it is empty');
  const names = head.cells.map((cell) => cell.trim().toLowerCase());
  return rest.map(({ line, cells }) => {
    if (cells.length > names.length) {
      throw new DeviceError(
        'list-malformed',
        `cannot read the list: line ${String(line)} has more columns than the header row`,
      );
    }
    return {
      line,
      fields: Object.fromEntries(names.map((name, index) => [name, (cells[index] ?? '').trim()])),
    };
  });
}

function splitRows(text: string): { line: number; cells: string[] }[] {
  const rows: { line: number; cells: string[] }[] = [];
  let line = 1;
  let start = 1;
  let cells: string[] = [];
  let cell = '';
  let quoted = false;
  const endRow = () => {
    if (cells.length > 0 || cell.trim() !== '') rows.push({ line: start, cells: [...cells, cell] });
    cells = [];
    cell = '';
    start = line;
  };
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char === '\n') line += 1;
    if (quoted) {
      if (char !== '"') cell += char;
      else if (text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else quoted = false;
    } else if (char === '"' && cell === '') quoted = true;
    else if (char === ',') {
      cells.push(cell);
      cell = '';
    } else if (char === '\n') endRow();
    else if (char !== '\r') cell += char;
  }
  if (quoted)
    throw new DeviceError(
      'list-malformed',
      `cannot read the list: a quote of line ${String(start)} is never closed`,
    );
  endRow();
  return rows;
}

/**
 * Writes comma-separated text with a header row. A cell that a spreadsheet would run as a formula gets an apostrophe in front,
 * for serial numbers and notes come from strangers.
 */
export function writeCommaSeparated(names: readonly string[], rows: readonly (readonly string[])[]): string {
  return [names, ...rows].map((row) => `${row.map(cellOf).join(',')}\n`).join('');
}

function cellOf(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
