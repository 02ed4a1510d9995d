import { z } from 'zod';

import { DeviceError } from './errors.ts';
import { isSerialNumber, parseApiKey, parseModelName } from './names.ts';

/** Most models or log entries of one import. */
const MAX_ROWS = 100_000;
/** Largest export: a row of the signing log has 200 to 400 bytes, more where the document is indented. */
export const MAX_SERIAL_VAULT_BYTES = 48 * 1024 * 1024;

/**
 * What Serial Vault's admin API tells of itself: the answers of `GET /v1/models`, `GET /v1/keypairs` and `GET /v1/signinglog`, or
 * their lists in one document (protocol/operators.md section 3). Fields that are of no use here are passed over.
 */
const documentSchema = z.object({
  models: z
    .array(z.object({ 'brand-id': z.string(), model: z.string(), 'api-key': z.string().default('') }))
    .max(MAX_ROWS)
    .default([]),
  keypairs: z
    .array(z.object({ AuthorityID: z.string(), KeyID: z.string(), Assertion: z.string().default('') }))
    .max(MAX_ROWS)
    .default([]),
  logs: z
    .array(
      z.object({
        make: z.string(),
        model: z.string(),
        serialnumber: z.string(),
        fingerprint: z.string(),
        revision: z.int().min(0).default(0),
        created: z.iso.datetime({ offset: true }),
      }),
    )
    .max(MAX_ROWS)
    .default([]),
});

/** A model of a Serial Vault. */
export interface VaultModel {
  readonly name: string;
  readonly apiKey: string | undefined;
}

/** A signing key of a Serial Vault. */
export interface VaultKey {
  readonly keyId: string;
  /** Its account-key, and what else was stored with it, as text; nothing of it is verified. */
  readonly assertions: string;
}

/** A serial that a Serial Vault signed. */
export interface VaultSerial {
  readonly model: string;
  readonly serial: string;
  /** The id of the device key, which Serial Vault calls its fingerprint. */
  readonly deviceKeyId: string;
  readonly revision: number;
  /** ISO 8601, UTC. */
  readonly signedAt: string;
}

/** What is taken over, and what cannot be. */
export interface VaultImport {
  readonly models: readonly VaultModel[];
  readonly keys: readonly VaultKey[];
  readonly serials: readonly VaultSerial[];
  readonly refused: readonly { readonly subject: string; readonly message: string }[];
}

/**
 * Reads an export for one brand; other brands' rows are passed over. Rows at fault are refused one by one.
 * Throws {@link DeviceError} `list-malformed` when the document as a whole cannot be read.
 */
export function readSerialVault(text: string, brandId: string): VaultImport {
  const document = parse(text);
  const refused: { subject: string; message: string }[] = [];
  const models = document.models
    .filter((row) => row['brand-id'] === brandId)
    .flatMap((row) => {
      try {
        const name = parseModelName(row.model);
        return [{ name, apiKey: row['api-key'] === '' ? undefined : parseApiKey(row['api-key']) }];
      } catch (error) {
        refused.push({
          subject: row.model,
          message: error instanceof DeviceError ? error.message : 'not readable',
        });
        return [];
      }
    });
  const keys = document.keypairs
    .filter((row) => row.AuthorityID === brandId)
    .flatMap((row) => {
      if (row.Assertion !== '') return [{ keyId: row.KeyID, assertions: row.Assertion }];
      refused.push({ subject: row.KeyID, message: 'it has no account-key with it; push that by itself' });
      return [];
    });
  const serials = document.logs
    .filter((row) => row.make === brandId)
    .flatMap((row) => {
      const subject = `${row.model}/${row.serialnumber}`;
      if (!isSerialNumber(row.serialnumber)) {
        refused.push({
          subject,
          message:
            'the serial is not made of at most 128 letters and digits with single "-", ":" or "+" between them; its device needs another one',
        });
        return [];
      }
      if (!/^[A-Za-z0-9_-]{64}$/.test(row.fingerprint)) {
        refused.push({ subject, message: 'the fingerprint is not the id of a device key' });
        return [];
      }
      const signedAt = new Date(row.created).toISOString();
      const { model, serialnumber: serial, fingerprint: deviceKeyId, revision } = row;
      return [{ model, serial, deviceKeyId, revision, signedAt }];
    })
    // Serial Vault signs a serial again with a higher revision: the highest one counts.
    .toSorted((a, b) => b.revision - a.revision);
  return { models, keys, serials, refused };
}

function parse(text: string): z.infer<typeof documentSchema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DeviceError('list-malformed', 'cannot read the export of Serial Vault: it is not JSON', {
      cause,
    });
  }
  const result = documentSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.join('.') ?? '';
  const fault =
    issue?.code === 'too_big'
      ? `${where} has more than ${String(MAX_ROWS)} rows; split it, and import one part after the other`
      : `${where} has another form`;
  throw new DeviceError('list-malformed', `cannot read the export of Serial Vault: ${fault}`, {
    cause: result.error,
  });
}
