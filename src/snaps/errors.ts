import { AirlockError, type ErrorKind } from '../errors.ts';

/** Every code that the rules about snaps can refuse with. */
export type SnapErrorCode =
  /** A channel is a risk, track/risk or track/risk/branch. */
  | 'channel-invalid'
  | 'cohort-key-invalid'
  /** The `component.yaml` of a component breaks a rule of its format. */
  | 'component-yaml-invalid'
  | 'declaration-invalid'
  | 'epoch-invalid'
  | 'snap-name-invalid'
  | 'snap-yaml-invalid'
  | 'snap-yaml-too-large'
  | 'validation-set-invalid';

/** A rule about snaps, channels or declarations was broken. */
export class SnapError extends AirlockError<SnapErrorCode> {
  constructor(code: SnapErrorCode, sentence: string, options?: { readonly cause?: unknown }) {
    super(kindOf(code), code, sentence, options);
  }
}

function kindOf(code: SnapErrorCode): ErrorKind {
  return code === 'snap-yaml-too-large' ? 'too-large' : 'invalid';
}
