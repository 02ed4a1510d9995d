/** Names of fields whose values never reach a log, wherever they stand in what is logged. */
const SECRET_NAMES = [
  'authorization',
  'cookie',
  'set-cookie',
  'macaroon',
  'macaroons',
  'discharge',
  'session',
  'nonce',
  'token',
  'pin',
  'soPin',
  'secret',
  'password',
  'passphrase',
  'apiKey',
  'api_key',
  'api-key',
  'privateKey',
  'masterKey',
  'x-device-authorization',
  'http_authorization',
] as const;

const REDACTED = '<redacted>';
const SECRETS: ReadonlySet<string> = new Set(SECRET_NAMES.map(bare));
const DEEPEST = 6;

/** True for a field name that is a secret's, however it is spelt: `Api-Key`, `api_key`, `apiKey`. */
export function isSecretName(name: string): boolean {
  return SECRETS.has(bare(name));
}

/** A copy of a log object without secrets, six levels deep; deeper parts and unusual objects are left out. */
export function withoutSecrets(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, isSecretName(name) ? REDACTED : clean(value, 1)]),
  );
}

function clean(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error || value instanceof Date) return value;
  if (depth >= DEEPEST) return '<deep>';
  if (Array.isArray(value)) return value.map((item) => clean(item, depth + 1));
  if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      isSecretName(name) ? REDACTED : clean(inner, depth + 1),
    ]),
  );
}

function bare(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z]/g, '');
}
