import { AirlockError } from '../errors.ts';

/** Every code that the rules about stores can refuse with. */
export type BrandErrorCode = 'store-id-invalid' | 'store-not-of-brand' | 'store-unknown';

/** A rule about brand stores was broken. */
export class BrandError extends AirlockError<BrandErrorCode> {
  constructor(code: BrandErrorCode, sentence: string, options?: { readonly cause?: unknown }) {
    super(code === 'store-id-invalid' ? 'invalid' : 'forbidden', code, sentence, options);
  }
}
