import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import type { BundleHead } from './archive-checks.ts';
import { BundleError, digestWrong, shownName } from './errors.ts';
import { sha3Of } from './hashing.ts';
import { excessOfJson } from './json-excess.ts';
import { parseManifest } from './layouts.ts';
import { DEFAULT_LIMITS, type BundleLimits } from './limits.ts';
import { encodeManifest, type Manifest } from './manifest.ts';
import { verifyManifestSignature, type ManifestSigner } from './signature.ts';

const envelopeSchema = z.strictObject({
  format: z.literal('airlock-store-metadata'),
  version: z.literal(1),
  /** The manifest's text, exactly as it was signed. */
  manifest: z.string(),
  signature: z.string(),
  /** The members that the manifest lists, by name. */
  members: z.record(z.string().max(200), z.string()),
});

/** A store's metadata, checked: the manifest and the assertion streams that it lists. */
export interface MetadataFile {
  readonly head: BundleHead;
  readonly members: ReadonlyMap<string, string>;
}

/** The text of `<store>-metadata-<time>.json` (DESIGN 8). `members` must be what the manifest lists. */
export async function encodeMetadataFile(
  manifest: Manifest,
  members: ReadonlyMap<string, string>,
  signer: ManifestSigner,
): Promise<string> {
  const bytes = encodeManifest(manifest);
  const envelope: z.input<typeof envelopeSchema> = {
    format: 'airlock-store-metadata',
    version: 1,
    manifest: new TextDecoder().decode(bytes),
    signature: await signer.sign(bytes),
    members: Object.fromEntries(members),
  };
  return `${JSON.stringify(envelope, null, 1)}\n`;
}

/**
 * Reads and checks a store metadata file: form, signature, digests of its members.
 * @throws BundleError
 */
export async function readMetadataFile(
  path: string,
  limits: BundleLimits = DEFAULT_LIMITS,
): Promise<MetadataFile> {
  return readMetadataText(await readSmallFile(path, limits.manifestBytes + limits.assertionBytes), path);
}

/**
 * The same of a text that came in another way; `path` is what to call it.
 * @throws BundleError
 */
export async function readMetadataText(text: string, path: string): Promise<MetadataFile> {
  const envelope = envelopeSchema.safeParse(parseJson(text, path));
  if (!envelope.success)
    throw new BundleError(
      'bundle-not-an-archive',
      `cannot read ${path}: it is not a store metadata file; was it made by fetch-brand-store-metadata?`,
      { cause: envelope.error },
    );
  const bytes = new TextEncoder().encode(envelope.data.manifest);
  const { fingerprint, key } = await verifyManifestSignature(bytes, envelope.data.signature);
  const { manifest, layout } = parseManifest(bytes);
  if (manifest.exporter !== fingerprint || manifest.kind !== 'store-metadata')
    throw new BundleError(
      'manifest-invalid',
      'cannot accept the metadata: its manifest is of another kind or key',
    );
  const members = new Map(Object.entries(envelope.data.members));
  for (const member of manifest.members) {
    const text = members.get(member.name);
    if (text === undefined)
      throw new BundleError(
        'member-missing',
        `cannot accept the metadata: ${shownName(member.name)} is missing`,
        {
          member: member.name,
        },
      );
    if (sha3Of(text) !== member.digest) throw digestWrong(member.name);
  }
  for (const name of members.keys())
    if (!manifest.members.some((member) => member.name === name))
      throw new BundleError(
        'member-unlisted',
        `cannot accept ${shownName(name)}: the manifest does not list it`,
        {
          member: name,
        },
      );
  return {
    head: { manifest, layout, exporter: fingerprint, exporterKey: key, digest: sha3Of(bytes) },
    members,
  };
}

function parseJson(text: string, path: string): unknown {
  const excess = excessOfJson(text);
  if (excess !== undefined) throw new BundleError('bundle-not-an-archive', `cannot read ${path}: ${excess}`);
  try {
    return JSON.parse(text, withoutPrototype);
  } catch (cause) {
    if (cause instanceof BundleError) throw cause;
    throw new BundleError('bundle-not-an-archive', `cannot read ${path}: it is not JSON`, { cause });
  }
}

/** The schema would pass over such a key, and so would the list of what the manifest does not have. */
function withoutPrototype(key: string, value: unknown): unknown {
  if (key !== '__proto__') return value;
  throw new BundleError('member-unlisted', `cannot accept ${shownName(key)}: the manifest does not list it`, {
    member: key,
  });
}

/**
 * Reads a file of text that must be small.
 * @throws BundleError `bundle-unreadable`, `bundle-too-large`
 */
export async function readSmallFile(path: string, limit: number): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > limit)
      throw new BundleError('bundle-too-large', `cannot read ${path}: it has more than ${limit} bytes`);
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof BundleError) throw cause;
    throw new BundleError('bundle-unreadable', `cannot open ${path}: check the path and its permissions`, {
      cause,
    });
  }
}
