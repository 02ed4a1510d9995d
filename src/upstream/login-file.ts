import { loginAuthorization, readLoginFile } from '../publishers/index.ts';
import { UpstreamError } from './errors.ts';

/** A credential that `snapcraft export-login` wrote, ready for the `Authorization` header of the upstream's API. */
export interface Login {
  readonly authorization: string;
}

/**
 * Reads a login file in each form that the field has.
 * @throws UpstreamError `login-file-malformed`
 */
export function parseLogin(content: string): Login {
  const login = readLoginFile(content);
  if (login !== undefined) return { authorization: loginAuthorization(login) };
  throw new UpstreamError(
    'login-file-malformed',
    'cannot read the login file: it is not what "snapcraft export-login" writes; export it again',
  );
}
