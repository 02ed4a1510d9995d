import { AssertionError, quoted } from './errors.ts';
import type { HeaderMap, Headers, HeaderValue } from './header-values.ts';

/** Names of headers and of map entries (protocol/devices.md 6.1). */
const ENTRY_NAME = /^[a-z](?:-?[a-z0-9])*$/;

const INDENT = '  ';
const TEXT_INDENT = '    ';
const LIST_MARK = '  -';

interface Parsed<Value> {
  readonly value: Value;
  /** Index of the first line after the value. */
  readonly next: number;
}

/**
 * Parses the header part of an assertion.
 * @throws AssertionError `assertion-malformed` for anything that the grammar does not allow.
 */
export function parseHeaders(head: string): Headers {
  const lines = head.split('\n');
  const headers: { [name: string]: HeaderValue } = newMap();
  for (let at = 0; at < lines.length;) {
    at = parseNamedEntry(lines, at, '', headers, 'header');
  }
  return headers;
}

/** Parses "name: value" at a line, stores it, and returns the index of the line after it. */
function parseNamedEntry(
  lines: readonly string[],
  at: number,
  prefix: string,
  into: { [name: string]: HeaderValue },
  what: string,
): number {
  const line = lines[at] ?? '';
  const colon = line.indexOf(':', prefix.length);
  if (colon === -1) throw malformed(`${what} ${quoted(line)} has no ":"`);
  const name = line.slice(prefix.length, colon);
  if (!ENTRY_NAME.test(name)) throw malformed(`${what} name ${quoted(name)} is not allowed`);
  const { value, next } = parseValue(lines, at, colon + 1, prefix.length);
  if (Object.hasOwn(into, name)) throw malformed(`${what} ${quoted(name)} appears twice`);
  into[name] = value;
  return next;
}

/** Parses what follows the intro (a name with its colon, or a list mark) of the given line. */
function parseValue(
  lines: readonly string[],
  at: number,
  introLength: number,
  baseIndent: number,
): Parsed<HeaderValue> {
  const line = lines[at] ?? '';
  if (introLength < line.length) {
    if (line[introLength] !== ' ') throw malformed(`${quoted(line)} has neither a space nor a line end`);
    return { value: line.slice(introLength + 1), next: at + 1 };
  }
  const base = ' '.repeat(baseIndent) + INDENT;
  const following = lines[at + 1];
  if (following !== undefined && following.startsWith(base)) {
    const first = following[base.length];
    if (first === '-') return parseList(lines, at + 1, baseIndent);
    if (first !== undefined && first !== ' ') return parseMap(lines, at + 1, base);
  }
  return parseLines(lines, at + 1, baseIndent);
}

function parseLines(lines: readonly string[], start: number, baseIndent: number): Parsed<string> {
  const prefix = ' '.repeat(baseIndent) + TEXT_INDENT;
  const parts: string[] = [];
  let at = start;
  for (; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (!line.startsWith(prefix)) break;
    parts.push(line.slice(prefix.length));
  }
  if (parts.length === 0) {
    const found = start < lines.length ? quoted(lines[start] ?? '') : 'the end';
    throw malformed(
      `after ${quoted(lines[start - 1] ?? '')} a line indented by ${prefix.length} is due, not ${found}`,
    );
  }
  return { value: parts.join('\n'), next: at };
}

function parseList(lines: readonly string[], start: number, baseIndent: number): Parsed<HeaderValue[]> {
  const prefix = ' '.repeat(baseIndent) + LIST_MARK;
  const items: HeaderValue[] = [];
  let at = start;
  while (at < lines.length && (lines[at] ?? '').startsWith(prefix)) {
    const { value, next } = parseValue(lines, at, prefix.length, prefix.length - 1);
    items.push(value);
    at = next;
  }
  return { value: items, next: at };
}

function parseMap(lines: readonly string[], start: number, prefix: string): Parsed<HeaderMap> {
  const entries: { [name: string]: HeaderValue } = newMap();
  let at = start;
  while (at < lines.length && (lines[at] ?? '').startsWith(prefix)) {
    at = parseNamedEntry(lines, at, prefix, entries, 'map entry');
  }
  return { value: entries, next: at };
}

/** Without a prototype, so that no name can meet an inherited member. */
function newMap(): { [name: string]: HeaderValue } {
  const empty: { [name: string]: HeaderValue } = {};
  Object.setPrototypeOf(empty, null);
  return empty;
}

function malformed(detail: string): AssertionError {
  return new AssertionError('assertion-malformed', `cannot read the assertion: ${detail}`);
}
