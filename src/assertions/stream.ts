import { assemble, declaredBodyLength } from './assemble.ts';
import type { Assertion } from './assertion.ts';
import { checkSize, decodeHeaders, malformed } from './decode.ts';
import { AssertionError } from './errors.ts';
import {
  DEFAULT_STREAM_LIMITS,
  MAX_BODY_BYTES,
  MAX_HEADERS_BYTES,
  MAX_SIGNATURE_BYTES,
  type StreamLimits,
} from './limits.ts';
import { concatBytes, indexOfBlankLine, utf8Bytes } from './text-bytes.ts';

const BLANK_LINE = utf8Bytes('\n\n');
const LINE_END = utf8Bytes('\n');
const NEWLINE = 0x0a;

/** Media type of an assertion and of a stream of them. */
export const ASSERTION_MEDIA_TYPE = 'application/x.ubuntu.assertion';

/**
 * Decodes a stream of assertions, each parted from the next by a blank line (protocol/devices.md 6.4). Bodies are read by
 * their declared length. An empty stream has no assertions.
 * @throws AssertionError, for the first assertion at fault
 */
export function decodeStream(
  stream: Uint8Array | string,
  limits: Partial<StreamLimits> = {},
): readonly Assertion[] {
  const { count, bytes: maxBytes } = { ...DEFAULT_STREAM_LIMITS, ...limits };
  const bytes = typeof stream === 'string' ? utf8Bytes(stream) : new Uint8Array(stream);
  if (bytes.length > maxBytes) {
    throw new AssertionError(
      'assertion-too-large',
      `cannot read the assertion stream: it has more than ${maxBytes} bytes`,
    );
  }
  const assertions: Assertion[] = [];
  for (let at = 0; at < bytes.length;) {
    if (assertions.length >= count) {
      throw new AssertionError(
        'assertion-too-large',
        `cannot read the assertion stream: it has more than ${count} assertions`,
      );
    }
    const { assertion, next } = decodeNext(bytes, at);
    assertions.push(assertion);
    at = next;
  }
  return assertions;
}

function decodeNext(bytes: Uint8Array, start: number): { assertion: Assertion; next: number } {
  const headEnd = indexOfBlankLine(bytes, start);
  checkSize('headers', (headEnd === -1 ? bytes.length : headEnd + 2) - start, MAX_HEADERS_BYTES);
  if (headEnd === -1) throw malformed('it ends within its headers');
  const headers = decodeHeaders(bytes.subarray(start, headEnd));
  const length = declaredBodyLength(headers);
  checkSize('body', length, MAX_BODY_BYTES);
  const bodyStart = headEnd + 2;
  const bodyEnd = bodyStart + Math.max(length, 0);
  if (bodyEnd > bytes.length) throw malformed('it ends within its body');
  const hasSeparator = bytes[bodyEnd] === NEWLINE && bytes[bodyEnd + 1] === NEWLINE;
  if (length > 0 && !hasSeparator) throw malformed('no blank line parts its body from its signature');
  const content = bytes.subarray(start, hasSeparator ? bodyEnd : headEnd);
  const { signature, next } = signatureAt(bytes, hasSeparator ? bodyEnd + 2 : bodyEnd);
  const assertion = assemble({
    headers,
    body: bytes.subarray(bodyStart, bodyEnd),
    content,
    signature,
    bytes: concatBytes(content, BLANK_LINE, signature),
  });
  return { assertion, next };
}

function signatureAt(bytes: Uint8Array, start: number): { signature: Uint8Array; next: number } {
  const end = indexOfBlankLine(bytes, start);
  const next = end === -1 ? bytes.length : end + 2;
  checkSize('signature', next - start, MAX_SIGNATURE_BYTES);
  // One line end belongs to the signature's own encoding, the second parts it from the next assertion.
  return { signature: bytes.subarray(start, end === -1 ? next : end + 1), next };
}

/** A stream of assertions in their original encoding, each parted from the next by a blank line. */
export function encodeStream(assertions: readonly { readonly bytes: Uint8Array }[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { bytes } of assertions) {
    if (parts.length > 0) parts.push(LINE_END);
    parts.push(bytes);
    if (bytes.at(-1) !== NEWLINE) parts.push(LINE_END);
  }
  return concatBytes(...parts);
}
