import type { z } from 'zod';

/** What came of reading: the value, or in words what is wrong with the first field at fault. */
export type Reading<Value> =
  | { readonly success: true; readonly data: Value }
  | { readonly success: false; readonly fault: string; readonly cause: z.ZodError };

/**
 * Reads a value of a known shape. The fault names the field, and says in our own words what is needed there:
 * `actions.0.name: a text is needed`. What a schema says of itself goes before. This is the one place where a schema's refusal
 * becomes words for people.
 */
export function readAs<Value>(schema: z.ZodType<Value>, value: unknown): Reading<Value> {
  const result = schema.safeParse(value, { error: inWords });
  if (result.success) return result;
  const { path, message } = innermost(result.error.issues[0]);
  const field = path.map(String).join('.');
  return {
    success: false,
    fault: field === '' ? message : `${field}: ${message}`,
    cause: result.error,
  };
}

interface Fault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Of alternatives, the one that was followed furthest says best what is wrong. */
function innermost(issue: z.core.$ZodIssue | undefined): Fault {
  if (issue === undefined) return { path: [], message: OTHER_FORM };
  if (issue.code !== 'invalid_union') return issue;
  const inner = issue.errors
    .map(([first]) => innermost(first))
    .toSorted((one, other) => other.path.length - one.path.length)[0];
  if (inner === undefined || inner.path.length === 0) return issue;
  return { path: [...issue.path, ...inner.path], message: inner.message };
}

const OTHER_FORM = 'it does not have the expected form';

const inWords: z.core.$ZodErrorMap = (issue) => {
  if (issue.input === undefined && issue.code !== 'unrecognized_keys') return 'it is missing';
  switch (issue.code) {
    case 'invalid_type':
      return `${TYPES[issue.expected] ?? 'another kind of value'} is needed`;
    case 'invalid_value':
      return `${issue.values.map((value) => JSON.stringify(value)).join(' or ')} is needed`;
    case 'too_small':
      return tooSmall(issue);
    case 'too_big':
      return `at most ${amount(issue.origin, issue.maximum)} ${may(issue.origin)}`;
    case 'invalid_format':
      return FORMATS[issue.format] ?? OTHER_FORM;
    case 'not_multiple_of':
      return `a multiple of ${String(issue.divisor)} is needed`;
    case 'unrecognized_keys':
      return `there is no field ${issue.keys.map((key) => JSON.stringify(key)).join(' or ')}`;
    case 'invalid_key':
      return 'no field may have this name';
    case 'invalid_union':
    case 'invalid_element':
    case 'custom':
      return OTHER_FORM;
  }
};

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

const FORMATS: Readonly<Record<string, string>> = {
  datetime: 'a time with its zone is needed, such as 2027-01-31T12:00:00Z',
  url: 'a web address is needed, such as https://host.example/path',
  email: 'an e-mail address is needed',
};

function tooSmall({ origin, minimum }: z.core.$ZodRawIssue<z.core.$ZodIssueTooSmall>): string {
  if (Number(minimum) === 1 && origin !== 'number' && origin !== 'int') return 'it must not be empty';
  return `at least ${amount(origin, minimum)} ${origin === 'number' || origin === 'int' ? 'is' : 'are'} needed`;
}

function amount(origin: string, count: number | bigint): string {
  if (origin === 'string') return `${String(count)} characters`;
  if (origin === 'array' || origin === 'set') return `${String(count)} entries`;
  return String(count);
}

function may(origin: string): string {
  return origin === 'number' || origin === 'int' ? 'is allowed' : 'are allowed';
}
