/** The bytes of a file that a request asks for: first and last, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What a Range header comes to: the whole file, a part, or nothing that exists. */
export type RangeAnswer = 'whole' | 'unsatisfiable' | ByteRange;

/**
 * Reads a Range header for a file of `size` bytes (RFC 9110 section 14). Several ranges at once, other units and what
 * is not a range at all are answered with the whole file, as the RFC allows.
 */
export function readRange(header: string | undefined, size: number): RangeAnswer {
  const match = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/.exec(header?.trim() ?? '');
  if (match === null) return 'whole';
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return 'whole';
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return 'whole';
  return start >= size ? 'unsatisfiable' : { start, end };
}

/**
 * Whether a Range header counts: If-Range must name the file as it is now. The file behind an address never changes,
 * so a date in it proves nothing and does not match.
 */
export function rangeApplies(ifRange: string | undefined, etag: string): boolean {
  return ifRange === undefined || ifRange.trim() === etag;
}

/** Whether an If-None-Match header names the file. */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.split(',').some((each) => each.trim().replace(/^W\//, '') === etag);
}
