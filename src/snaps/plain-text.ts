/** The highest revision of a snap or component that is taken: what every database here can hold, and stores count from one. */
export const REVISION_MAX = 2_147_483_647;

/** What is said of a text that is not plain. */
export const NOT_PLAIN = 'it holds a zero byte or half a character';

/**
 * Whether a text of a stranger can be kept everywhere as it is: PostgreSQL takes no zero bytes, and half of a surrogate pair has
 * no form in UTF-8.
 */
export function isPlainText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}
