import { quoted } from '../errors.ts';
import { refuse } from '../header-rules.ts';
import { ACCOUNT_ID, MODEL_NAME, STRICT_SERIAL } from '../name-patterns.ts';

/** Checks SERIAL.MODEL.BRAND; the serial may contain dots of its own, as far as its shape allows. */
export function checkDeviceId(id: string, what: string): void {
  const brandDot = id.lastIndexOf('.');
  const modelDot = id.lastIndexOf('.', brandDot - 1);
  const wellFormed =
    brandDot > 0 &&
    modelDot > 0 &&
    STRICT_SERIAL.test(id.slice(0, modelDot)) &&
    MODEL_NAME.test(id.slice(modelDot + 1, brandDot)) &&
    ACCOUNT_ID.test(id.slice(brandDot + 1));
  if (!wellFormed) refuse(`${what} is not of the form SERIAL.MODEL.BRAND: ${quoted(id)}`);
}
