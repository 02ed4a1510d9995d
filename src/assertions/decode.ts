import { assemble } from './assemble.ts';
import type { Assertion } from './assertion.ts';
import { AssertionError } from './errors.ts';
import { parseHeaders } from './header-parser.ts';
import type { Headers } from './header-values.ts';
import { MAX_BODY_BYTES, MAX_HEADERS_BYTES, MAX_SIGNATURE_BYTES } from './limits.ts';
import { indexOfBlankLine, lastIndexOfBlankLine, utf8Bytes, utf8Text } from './text-bytes.ts';

const BLANK_LINE_BYTES = 2;
const NO_BYTES = new Uint8Array();

/**
 * Decodes one assertion: HEADERS, blank line, [BODY, blank line,] SIGNATURE (protocol/devices.md 6.1), and checks the
 * rules of its type. The bytes are copied, so that nobody can change them later.
 * @throws AssertionError
 */
export function decodeAssertion(encoded: Uint8Array | string): Assertion {
  const bytes = typeof encoded === 'string' ? utf8Bytes(encoded) : new Uint8Array(encoded);
  const end = lastIndexOfBlankLine(bytes);
  if (end === -1) throw malformed('no blank line parts its content from its signature');
  const content = bytes.subarray(0, end);
  const signature = bytes.subarray(end + BLANK_LINE_BYTES);
  const headEnd = indexOfBlankLine(content, 0);
  const head = headEnd === -1 ? content : content.subarray(0, headEnd);
  const body = headEnd === -1 ? NO_BYTES : content.subarray(headEnd + BLANK_LINE_BYTES);
  checkSize('headers', head.length, MAX_HEADERS_BYTES);
  checkSize('body', body.length, MAX_BODY_BYTES);
  checkSize('signature', signature.length, MAX_SIGNATURE_BYTES);
  return assemble({ headers: decodeHeaders(head), body, content, signature, bytes });
}

/** The headers of the bytes before the first blank line. */
export function decodeHeaders(head: Uint8Array): Headers {
  const headText = utf8Text(head);
  if (headText === undefined) throw malformed('its headers are not UTF-8');
  return parseHeaders(headText);
}

/** Refuses a part of an assertion that is larger than devices accept. */
export function checkSize(part: string, size: number, limit: number): void {
  if (size > limit) {
    throw new AssertionError(
      'assertion-too-large',
      `cannot read the assertion: it has more than ${limit} bytes of ${part}`,
    );
  }
}

export function malformed(detail: string): AssertionError {
  return new AssertionError('assertion-malformed', `cannot read the assertion: ${detail}`);
}
