import { loginAuthorization, readLoginFile, type LoginFile } from '../publishers/index.ts';
import { UpstreamError } from './errors.ts';

/** A credential that `snapcraft export-login` wrote. */
export interface Login {
  readonly file: LoginFile;
  /** The whole `Authorization` header of the upstream's API. */
  readonly authorization: string;
}

/**
 * Reads a login file in each form that the field has.
 * @throws UpstreamError `login-file-malformed`
 */
export function parseLogin(content: string): Login {
  const file = readLoginFile(content);
  if (file !== undefined) return loginOf(file);
  throw new UpstreamError(
    'login-file-malformed',
    'cannot read the login file: it is not what "snapcraft export-login" writes; export it again',
  );
}

/** A log-in that was read, ready to be sent. */
export function loginOf(file: LoginFile): Login {
  return { file, authorization: loginAuthorization(file) };
}
