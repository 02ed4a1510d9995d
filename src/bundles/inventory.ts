import { z } from 'zod';
import { BundleError } from './errors.ts';
import { sha3Of } from './hashing.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { digestSchema } from './manifest.ts';
import { readSmallFile } from './metadata-file.ts';

const text = z.string().min(1).max(255);
const number = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const moment = z.iso.datetime({ precision: 3 });
const file = { revision: number, digest: digestSchema, size: number };

/**
 * What a host says that it has, for the one that exports to it. It only saves bytes: nobody gets anything for being named in
 * it, and whoever imports an archive that rests on it looks again.
 */
export const inventorySchema = z.strictObject({
  format: z.literal('airlock-inventory'),
  version: z.literal(1),
  writtenAt: moment,
  stores: z.array(z.strictObject({ id: text, brandId: text.nullable() })).max(10_000),
  snaps: z
    .array(
      z.strictObject({
        snapId: text,
        name: text,
        revisions: z.array(z.strictObject(file)).max(5000),
        components: z.array(z.strictObject({ name: text, ...file })).max(5000),
      }),
    )
    .max(50_000),
  /** Account-keys and snap-declarations in their newest revisions, for people who compare. */
  assertions: z
    .array(
      z.strictObject({
        type: z.enum(['account-key', 'snap-declaration']),
        primaryKey: z.array(text).max(8),
        revision: z.number().int().min(0),
      }),
    )
    .max(200_000),
  /** The newest import that stands: what it brought, by the digest of its manifest. */
  lastImport: z
    .strictObject({ digest: digestSchema, fileName: z.string().max(255), importedAt: moment })
    .nullable(),
});

/** See `inventorySchema`. */
export type Inventory = z.output<typeof inventorySchema>;

/** The text of an inventory file. */
export function encodeInventory(inventory: Inventory): string {
  return `${JSON.stringify(inventorySchema.parse(inventory), null, 1)}\n`;
}

/**
 * Reads an inventory that came from the other side.
 * @returns it, and the SHA3-384 of the file
 * @throws BundleError `bundle-unreadable`, `bundle-too-large`, `inventory-invalid`
 */
export async function readInventory(path: string): Promise<{ inventory: Inventory; digest: string }> {
  return parseInventory(await readSmallFile(path, DEFAULT_LIMITS.manifestBytes), path);
}

/**
 * Reads the content of such a file.
 * @param what how the refusal calls it
 * @throws BundleError `inventory-invalid`
 */
export function parseInventory(content: string, what: string): { inventory: Inventory; digest: string } {
  const result = inventorySchema.safeParse(parseJson(content));
  if (result.success) return { inventory: result.data, digest: sha3Of(content) };
  const where = result.error.issues[0]?.path.join('.') || 'its form';
  throw new BundleError(
    'inventory-invalid',
    `cannot use ${what} as an inventory: ${where} is wrong; write it with export-inventory on the host that the archive is for`,
    { cause: result.error },
  );
}

function parseJson(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}
