import type { Assertion } from './assertion.ts';
import { AssertionError, quoted } from './errors.ts';
import { fullText, integerFrom, isPresent, iteration, refuse, sha3Digest } from './header-rules.ts';
import { ownValue, type Headers } from './header-values.ts';
import { isUtf8Bytes } from './text-bytes.ts';
import { isAssertionTypeName } from './type-names.ts';
import { rulesOf } from './type-registry.ts';
import type { TypeRules } from './type-rules.ts';

/** The separated parts of an encoded assertion. */
export interface Parts {
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly content: Uint8Array;
  readonly signature: Uint8Array;
  readonly bytes: Uint8Array;
}

/**
 * Makes an assertion of its parts after checking what holds for all types and the rules of its own.
 * @throws AssertionError
 */
export function assemble(parts: Parts): Assertion {
  const { body, content, signature, bytes } = parts;
  const common = { values: parts.headers, where: 'header' };
  if (declaredBodyLength(parts.headers) !== body.length) {
    throw new AssertionError(
      'assertion-malformed',
      `cannot read the assertion: its body has ${body.length} bytes, its "body-length" header says otherwise`,
    );
  }
  if (!isUtf8Bytes(body)) {
    throw new AssertionError('assertion-malformed', 'cannot read the assertion: its body is not UTF-8');
  }
  if (signature.length === 0) {
    throw new AssertionError('assertion-malformed', 'cannot read the assertion: it has no signature');
  }
  const typeName = fullText(common, 'type');
  if (!isAssertionTypeName(typeName)) {
    throw new AssertionError(
      'assertion-type-unknown',
      `cannot read the assertion: its type ${quoted(typeName)} is not a known one`,
    );
  }
  return withTypeInWords(typeName, () => {
    const signKeyId = sha3Digest(common, 'sign-key-sha3-384');
    const type = rulesOf(typeName);
    const headers = withPrimaryKeyDefaults(type, parts.headers);
    const scope = { values: headers, where: 'header' };
    const authorityId = authorityOf(type, scope);
    const format = iteration(scope, 'format');
    const primaryKey = type.primaryKey.map((header) => primaryKeyPart(scope, header));
    const revision = iteration(scope, 'revision');
    type.check({ ...scope, body, format, signKeyId });
    return {
      type: typeName,
      headers,
      body,
      content,
      signature,
      bytes,
      format,
      revision,
      primaryKey,
      authorityId,
      signKeyId,
    };
  });
}

/** The "body-length" header, 0 when absent. */
export function declaredBodyLength(headers: Headers): number {
  const value = ownValue(headers, 'body-length');
  if (value === undefined) return 0;
  if (typeof value !== 'string') return refuse('"body-length" header must be a text');
  return integerFrom(value, '"body-length" header');
}

function authorityOf(type: TypeRules, scope: { values: Headers; where: string }): string | undefined {
  if (type.authority === 'required') return fullText(scope, 'authority-id');
  if (isPresent(scope, 'authority-id'))
    refuse('"authority-id" header has no place in a self-signed assertion');
  return undefined;
}

function primaryKeyPart(scope: { values: Headers; where: string }, header: string): string {
  const value = fullText(scope, header);
  if (value.includes('/')) refuse(`"${header}" header names the assertion and must not contain "/"`);
  return value;
}

function withPrimaryKeyDefaults(type: TypeRules, headers: Headers): Headers {
  const missing = Object.entries(type.optionalPrimaryKeyDefaults).filter(
    ([header]) => ownValue(headers, header) === undefined,
  );
  return missing.length === 0 ? headers : { ...headers, ...Object.fromEntries(missing) };
}

/** Puts the type's name into the sentence of whatever the rules refuse. */
function withTypeInWords<Result>(type: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    const sentence = error.message.replace('the assertion:', `the ${type} assertion:`);
    throw new AssertionError(error.code, sentence, { cause: error });
  }
}
