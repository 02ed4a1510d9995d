import { z } from 'zod';
import { bindDischarge, decodeMacaroon } from '../publishers/index.ts';
import { UpstreamError } from './errors.ts';

/** A credential that `snapcraft export-login` wrote, ready for the `Authorization` header of the upstream's API. */
export interface Login {
  readonly authorization: string;
}

const pairSchema = z.looseObject({ r: z.string().min(1), d: z.string().min(1) });
const wrappedSchema = z.looseObject({ t: z.literal('u1-macaroon'), v: pairSchema });
const BASE64 = /^[A-Za-z0-9+/_=\s-]+$/;

/**
 * Reads a login file in each form that the field has (protocol/publishers.md 3.5): base64 of JSON with or without a type, the
 * older INI file, plain or in base64; and a lone macaroon, as an authority of ours issues it.
 * @throws UpstreamError `login-file-malformed`
 */
export function parseLogin(content: string): Login {
  const text = content.trim();
  const decoded = BASE64.test(text) ? Buffer.from(text, 'base64').toString('utf8') : text;
  const pair = fromJson(decoded) ?? fromJson(text) ?? fromIni(decoded) ?? fromIni(text);
  if (pair !== undefined)
    return { authorization: `Macaroon root="${pair.root}", discharge="${bound(pair.root, pair.discharge)}"` };
  try {
    decodeMacaroon(text);
    return { authorization: `Macaroon root="${text}"` };
  } catch (cause) {
    throw malformed(cause);
  }
}

interface Pair {
  readonly root: string;
  readonly discharge: string;
}

function fromJson(text: string): Pair | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const wrapped = wrappedSchema.safeParse(json);
  const found = wrapped.success ? wrapped : undefined;
  const pair = pairSchema.safeParse(found === undefined ? json : found.data.v);
  return pair.success ? { root: pair.data.r, discharge: pair.data.d } : undefined;
}

/** `[login.ubuntu.com]` with `macaroon` and `unbound_discharge`: what snapcraft before 7 wrote. */
function fromIni(text: string): Pair | undefined {
  const value = (key: string) => new RegExp(`^\\s*${key}\\s*=\\s*(\\S+)\\s*$`, 'm').exec(text)?.[1];
  const root = value('macaroon');
  const discharge = value('unbound_discharge');
  return root !== undefined && discharge !== undefined && text.includes('[')
    ? { root, discharge }
    : undefined;
}

/** @throws UpstreamError `login-file-malformed` */
function bound(root: string, discharge: string): string {
  try {
    return bindDischarge(root, discharge);
  } catch (cause) {
    throw malformed(cause);
  }
}

function malformed(cause: unknown): UpstreamError {
  return new UpstreamError(
    'login-file-malformed',
    'cannot read the login file: it is not what "snapcraft export-login" writes; export it again',
    cause,
  );
}
