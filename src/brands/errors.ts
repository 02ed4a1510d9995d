import { AirlockError } from '../errors.ts';

/** Every code that the rules about stores can refuse with. */
export type BrandErrorCode =
  | 'store-not-of-brand'
  /** The store is of another brand. */
  | 'store-of-other-brand'
  | 'store-parent-invalid'
  | 'store-unknown';

/** A rule about brand stores was broken. */
export class BrandError extends AirlockError<BrandErrorCode> {
  constructor(code: BrandErrorCode, sentence: string, options?: { readonly cause?: unknown }) {
    super(code === 'store-parent-invalid' ? 'invalid' : 'forbidden', code, sentence, options);
  }
}
