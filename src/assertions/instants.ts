/** A point in time: nanoseconds since 1970-01-01T00:00:00Z. Assertions may carry more digits than a Date keeps. */
export type Instant = bigint;

const NANOS_PER_MILLI = 1_000_000n;

/** RFC 3339 as assertions use it: capital T and Z, any number of fraction digits. */
const RFC3339 =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d+))?(?:Z|([+-])(\d{2}):(\d{2}))$/;

/** The instant that an RFC 3339 text names; undefined when the text is no such date. */
export function parseInstant(text: string): Instant | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  if (year === undefined || month === undefined || day === undefined) return undefined;
  if (hour === undefined || minute === undefined || second === undefined) return undefined;
  const offsetHour = Number(match[9] ?? 0);
  const offsetMinute = Number(match[10] ?? 0);
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59 || offsetHour > 24 || offsetMinute > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const offset = (offsetHour * 60 + offsetMinute) * 60_000 * (match[8] === '-' ? -1 : 1);
  const fraction = BigInt((match[7] ?? '').slice(0, 9).padEnd(9, '0'));
  return BigInt(date.getTime() - offset) * NANOS_PER_MILLI + fraction;
}

/** The instant of a Date. */
export function instantOf(date: Date): Instant {
  return BigInt(date.getTime()) * NANOS_PER_MILLI;
}

/** The Date of an instant, to the millisecond. */
export function dateOf(instant: Instant): Date {
  return new Date(Number(instant / NANOS_PER_MILLI));
}

/** A Date as assertions write it: UTC, whole seconds. */
export function formatTimestamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** The same date and time one year later, the way calendars count it (29 February becomes 1 March). */
export function oneYearAfter(instant: Instant): Instant {
  const date = dateOf(instant);
  const below = instant - instantOf(date);
  date.setUTCFullYear(date.getUTCFullYear() + 1);
  return instantOf(date) + below;
}

function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
}
