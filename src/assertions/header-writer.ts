import { isList, isMap, ownValue, type HeaderMap, type HeaderValue } from './header-values.ts';
import { compareBytewise } from './text-bytes.ts';

/**
 * One header as text, with the line end that goes before it; empty for an empty list or map, which are never written
 * (protocol/devices.md 6.1).
 */
export function writeHeader(name: string, value: HeaderValue): string {
  return writeEntry(`${name}:`, value, 0);
}

/** Whether writing the value gives any text: empty lists and maps, and those that hold only such, give none. */
export function isWritten(value: HeaderValue): boolean {
  if (typeof value === 'string') return true;
  return isList(value) ? value.length > 0 : Object.keys(value).length > 0;
}

function writeEntry(intro: string, value: HeaderValue, baseIndent: number): string {
  if (!isWritten(value)) return '';
  const indent = ' '.repeat(baseIndent);
  if (isList(value)) {
    const mark = `${indent}  -`;
    const items = value.map((item) => writeEntry(mark, item, baseIndent + 2)).join('');
    return `\n${intro}${items}`;
  }
  if (isMap(value)) return `\n${intro}${writeEntries(value, `${indent}  `)}`;
  if (!value.includes('\n')) return `\n${intro} ${value}`;
  return `\n${intro}\n${value
    .split('\n')
    .map((line) => `${indent}    ${line}`)
    .join('\n')}`;
}

function writeEntries(entries: HeaderMap, prefix: string): string {
  return Object.keys(entries)
    .toSorted(compareBytewise)
    .map((name) => {
      const value = ownValue(entries, name);
      return value === undefined ? '' : writeEntry(`${prefix}${name}:`, value, prefix.length);
    })
    .join('');
}
