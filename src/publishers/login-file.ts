import { z } from 'zod';
import { bindDischarge } from './discharges.ts';
import { decodeMacaroon } from './macaroons.ts';

/** What a log-in file holds: a macaroon, and the unbound discharge that goes with it where a single-sign-on server gave one. */
export interface LoginFile {
  readonly root: string;
  readonly discharge: string | undefined;
}

const pairSchema = z.looseObject({ r: z.string().min(1), d: z.string().min(1) });
const fileSchema = z.union([
  z
    .looseObject({ t: z.literal('u1-macaroon'), v: pairSchema })
    .transform(({ v }): LoginFile => ({ root: v.r, discharge: v.d })),
  z
    .looseObject({ t: z.literal('macaroon'), v: z.string() })
    .transform(({ v }): LoginFile => ({ root: v, discharge: undefined })),
  pairSchema.transform(({ r, d }): LoginFile => ({ root: r, discharge: d })),
]);
const BASE64 = /^[A-Za-z0-9+/_=\s-]+$/;

/**
 * Reads a log-in file in each form that the field has (protocol/publishers.md 3.5 and 4): base64 of JSON with or without a type, that of the
 * on-prem mode, the older INI file, plain or in base64; and a lone macaroon, as an authority of ours issues it.
 * @returns undefined for a text that is none of these
 */
export function readLoginFile(content: string): LoginFile | undefined {
  const text = content.trim();
  const decoded = BASE64.test(text) ? Buffer.from(text, 'base64').toString('utf8') : text;
  const found = fromJson(decoded) ?? fromJson(text) ?? fromIni(decoded) ?? fromIni(text);
  const lone = [text, decoded.trim()].map((root): LoginFile => ({ root, discharge: undefined }));
  return (found ? [found] : lone).find(isWhole);
}

/** The `Authorization` header that a log-in comes to: the discharge goes along bound to its root. */
export function loginAuthorization({ root, discharge }: LoginFile): string {
  if (discharge === undefined) return `Macaroon root="${root}"`;
  return `Macaroon root="${root}", discharge="${bindDischarge(root, discharge)}"`;
}

/** A log-in as `snapcraft export-login` writes it: base64 of JSON. */
export function loginFileText({ root, discharge }: LoginFile): string {
  const content =
    discharge === undefined ? { t: 'macaroon', v: root } : { t: 'u1-macaroon', v: { r: root, d: discharge } };
  return Buffer.from(JSON.stringify(content)).toString('base64');
}

function fromJson(text: string): LoginFile | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const read = fileSchema.safeParse(json);
  return read.success ? read.data : undefined;
}

/** `[login.ubuntu.com]` with `macaroon` and `unbound_discharge`: what snapcraft before 7 wrote. */
function fromIni(text: string): LoginFile | undefined {
  const value = (key: string) => new RegExp(`^\\s*${key}\\s*=\\s*(\\S+)\\s*$`, 'm').exec(text)?.[1];
  const root = value('macaroon');
  const discharge = value('unbound_discharge');
  return root !== undefined && discharge !== undefined && text.includes('[')
    ? { root, discharge }
    : undefined;
}

function isWhole({ root, discharge }: LoginFile): boolean {
  try {
    decodeMacaroon(root);
    if (discharge !== undefined) decodeMacaroon(discharge);
    return true;
  } catch {
    return false;
  }
}
