/** `Macaroon TOKEN`, `macaroon TOKEN`, `Macaroon root="TOKEN"` with or without quotes and a discharge after it. */
const AUTHORIZATION = /^macaroon\s+(?:root\s*=\s*)?"?([A-Za-z0-9_=-]+)"?\s*(?:,.*)?$/i;

/** The macaroon of an `Authorization` header, as clients of all kinds write it; undefined where there is none. */
export function macaroonIn(authorization: string | undefined): string | undefined {
  return AUTHORIZATION.exec(authorization ?? '')?.[1];
}
