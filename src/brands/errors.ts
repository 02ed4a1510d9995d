import { AirlockError } from '../errors.ts';

/** Every code that the rules about stores can refuse with. */
export type BrandErrorCode =
  | 'store-id-invalid'
  | 'store-not-of-brand'
  | 'store-of-other-brand'
  | 'store-parent-invalid'
  | 'store-unknown';

const INVALID: ReadonlySet<BrandErrorCode> = new Set(['store-id-invalid', 'store-parent-invalid']);

/** A rule about brand stores was broken. */
export class BrandError extends AirlockError<BrandErrorCode> {
  constructor(code: BrandErrorCode, sentence: string, options?: { readonly cause?: unknown }) {
    super(INVALID.has(code) ? 'invalid' : 'forbidden', code, sentence, options);
  }
}
