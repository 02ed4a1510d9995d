import { z } from 'zod';

import { sentenceOf } from '../errors.ts';
import { readAs } from '../read-as.ts';
import { readCommaSeparated } from './comma-separated.ts';
import { DeviceError } from './errors.ts';
import { MAX_NAME, isSerialNumber } from './names.ts';

/** Most entries of one import. */
const MAX_ALLOW_LIST_ROWS = 100_000;

/** A row of an allow-list as an admin gives it. */
export interface AllowListRow {
  readonly serial: string;
  /** The one device key that may take the serial; undefined: any. */
  readonly deviceKeyId: string | undefined;
  readonly note: string;
}

/** What an import does, or would do, with one row. */
export interface AllowListResult {
  /** Line of the CSV text, or position in the JSON array, counted from 1 (CSV: from 2, after the header row). */
  readonly row: number;
  readonly serial: string;
  readonly result: 'added' | 'changed' | 'unchanged' | 'refused';
  /** Why a row is refused; else empty. */
  readonly message: string;
}

const rowSchema = z.strictObject({
  serial: z.string().min(1).max(MAX_NAME),
  'device-key-sha3-384': z.string().nullish(),
  note: z.string().max(255).nullish(),
  // An export has these besides. Who took an entry is not for an import to say.
  'created-at': z.unknown().optional(),
  'taken-by-device-key-sha3-384': z.unknown().optional(),
  'taken-at': z.unknown().optional(),
});

/** A row with its place in the file. */
export interface PlacedRow {
  readonly row: number;
  readonly entry: AllowListRow | undefined;
  readonly serial: string;
  readonly message: string;
}

/**
 * Reads an allow-list: CSV with the columns `serial`, `device-key-sha3-384`, `note` (the latter two may be absent), or a JSON
 * array of objects with these fields; what an export has besides is passed over. A row at fault is kept with its message. Throws {@link DeviceError} `list-malformed`
 * when the text as a whole cannot be read.
 */
export function readAllowList(text: string): PlacedRow[] {
  const raw = text.trimStart().startsWith('[') ? fromJson(text) : fromCsv(text);
  if (raw.length > MAX_ALLOW_LIST_ROWS) {
    throw new DeviceError(
      'list-malformed',
      `cannot read the allow-list: it has more than ${String(MAX_ALLOW_LIST_ROWS)} rows; import it in parts`,
    );
  }
  return raw.map(({ row, value }) => {
    const parsed = readAs(rowSchema, value);
    if (!parsed.success) return { row, entry: undefined, serial: '', message: parsed.fault };
    return { row, ...check(parsed.data) };
  });
}

function check(data: z.infer<typeof rowSchema>): Omit<PlacedRow, 'row'> {
  const deviceKeyId = data['device-key-sha3-384'] ?? '';
  const { serial } = data;
  if (!isSerialNumber(serial))
    return { entry: undefined, serial, message: 'the serial has characters that none may have' };
  if (deviceKeyId !== '' && !/^[A-Za-z0-9_-]{64}$/.test(deviceKeyId)) {
    return { entry: undefined, serial, message: 'the device key id is not 64 base64url characters' };
  }
  const entry = { serial, deviceKeyId: deviceKeyId === '' ? undefined : deviceKeyId, note: data.note ?? '' };
  return { entry, serial, message: '' };
}

function fromCsv(text: string): { row: number; value: unknown }[] {
  return readCommaSeparated(text).map(({ line, fields }) => ({ row: line, value: fields }));
}

function fromJson(text: string): { row: number; value: unknown }[] {
  try {
    const rows: unknown = JSON.parse(text);
    return z
      .array(z.unknown())
      .parse(rows)
      .map((value, index) => ({ row: index + 1, value }));
  } catch (cause) {
    throw new DeviceError('list-malformed', `cannot read the allow-list as JSON: ${sentenceOf(cause)}`, {
      cause,
    });
  }
}

/** An entry that is there already. */
export interface ExistingEntry extends AllowListRow {
  readonly takenBy: string | undefined;
}

/**
 * Says for each row what importing it does, given what is there: the same for a dry run and for the real one.
 * An entry that a device took keeps its device key.
 */
export function planAllowListImport(
  rows: readonly PlacedRow[],
  existing: ReadonlyMap<string, ExistingEntry>,
): { results: AllowListResult[]; writes: AllowListRow[] } {
  const seen = new Set<string>();
  const results: AllowListResult[] = [];
  const writes: AllowListRow[] = [];
  for (const { row, entry, serial, message } of rows) {
    const result = entry === undefined ? message : judge(entry, existing.get(serial), seen);
    if (entry !== undefined) seen.add(serial);
    const isPlan = result === 'added' || result === 'changed' || result === 'unchanged';
    if (entry !== undefined && (result === 'added' || result === 'changed')) writes.push(entry);
    results.push({ row, serial, result: isPlan ? result : 'refused', message: isPlan ? '' : result });
  }
  return { results, writes };
}

function judge(entry: AllowListRow, present: ExistingEntry | undefined, seen: ReadonlySet<string>): string {
  if (seen.has(entry.serial)) return 'the serial stands in this list twice';
  if (present === undefined) return 'added';
  if (present.deviceKeyId === entry.deviceKeyId && present.note === entry.note) return 'unchanged';
  const bound = entry.deviceKeyId;
  if (present.takenBy !== undefined && bound !== undefined && bound !== present.takenBy) {
    return 'another device key has this serial already';
  }
  return 'changed';
}
