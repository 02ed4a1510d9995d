/** Every kind of error, for those who read one from outside. */
export const ERROR_KINDS = [
  'invalid',
  'unauthenticated',
  'forbidden',
  'not-found',
  'conflict',
  'too-large',
  'unavailable',
  'internal',
] as const satisfies readonly ErrorKind[];

/** What an error means to whoever asked; each edge (HTTP, command line, Temporal) maps kinds in one place. */
export type ErrorKind =
  /** The request, file or command line is wrong; repeating it cannot help. */
  | 'invalid'
  /** No valid proof of who asks. */
  | 'unauthenticated'
  /** Known, and not permitted. */
  | 'forbidden'
  /** Absent, or hidden from whoever asks: the two are never told apart. */
  | 'not-found'
  /** At odds with what is already there. */
  | 'conflict'
  /** Beyond a limit that we set on what comes in. */
  | 'too-large'
  /** A part that is needed does not answer now; asking again later may help. */
  | 'unavailable'
  /** Our own mistake. */
  | 'internal';

/**
 * The one error type of the product: a kind for the edges, a stable code for programs, one sentence for people.
 * The sentence begins with "cannot", says what is wrong and, where it is not plain, what to do.
 */
export class AirlockError<Code extends string = string> extends Error {
  readonly kind: ErrorKind;
  readonly code: Code;

  constructor(kind: ErrorKind, code: Code, sentence: string, options?: { readonly cause?: unknown }) {
    super(sentence, options);
    this.name = new.target.name;
    this.kind = kind;
    this.code = code;
  }
}

/** The sentence of any thrown value, for a log line or as the tail of another sentence. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether a thrown value is ours; unlike `instanceof`, it leaves the code a text. */
export function isAirlockError(error: unknown): error is AirlockError {
  return error instanceof AirlockError;
}
