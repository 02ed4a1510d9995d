import { z } from 'zod';
import { BundleError } from './errors.ts';
import type { BundleLimits } from './limits.ts';
import { manifestSchema, type Manifest, type ManifestMember } from './manifest.ts';

/** Name of the member that must come first in every archive. */
export const MANIFEST_NAME = 'manifest.json';
/** Name of the member that must come second. */
export const SIGNATURE_NAME = 'manifest.jws';

/** What a member holds, told by its name. */
export type MemberRole = 'assertions' | 'keys' | 'snap' | 'snap-assertions';

/** One way of laying an archive out. A new one is a new adapter here; nothing else asks for names. */
export interface BundleLayout {
  readonly format: string;
  readonly version: number;
  /** Reads the manifest's JSON. Throws BundleError `manifest-invalid`. */
  parse(json: unknown): Manifest;
  /** What the member is for; undefined when this layout has no such name. */
  roleOf(manifest: Manifest, name: string): MemberRole | undefined;
  snapMember(kind: Manifest['kind'], name: string, revision: number): string;
  snapAssertionsMember(kind: Manifest['kind'], name: string, revision: number): string;
}

const FILE = /^([a-z0-9][a-z0-9-]{0,39})_([1-9][0-9]{0,9})\.(snap|assert)$/;
const STREAM = /^(assertions|keys)\/[a-z0-9][a-z0-9-]{0,63}\.assert$/;

const airlockBundle1: BundleLayout = {
  format: 'airlock-bundle',
  version: 1,
  parse(json) {
    const result = manifestSchema.safeParse(json);
    if (!result.success) throw invalid(result.error);
    return checkManifest(result.data, airlockBundle1);
  },
  roleOf(manifest, name) {
    const stream = STREAM.exec(name);
    if (stream !== null) return stream[1] === 'keys' ? 'keys' : 'assertions';
    const prefix = manifest.kind === 'store' ? 'snaps/' : '';
    const file = name.startsWith(prefix) ? FILE.exec(name.slice(prefix.length)) : null;
    if (file === null) return undefined;
    return file[3] === 'snap' ? 'snap' : 'snap-assertions';
  },
  snapMember: (kind, name, revision) => `${kind === 'store' ? 'snaps/' : ''}${name}_${revision}.snap`,
  snapAssertionsMember: (kind, name, revision) =>
    `${kind === 'store' ? 'snaps/' : ''}${name}_${revision}.assert`,
};

const LAYOUTS: readonly BundleLayout[] = [airlockBundle1];

/** The layout that this version writes. */
export const currentLayout: BundleLayout = airlockBundle1;

const headSchema = z.looseObject({ format: z.string(), version: z.number().int() });

/**
 * Reads a manifest by the layout that it names.
 * @throws BundleError `manifest-invalid`, `layout-unknown`
 */
export function parseManifest(bytes: Uint8Array): {
  readonly manifest: Manifest;
  readonly layout: BundleLayout;
} {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new BundleError('manifest-invalid', 'cannot read manifest.json: it is not JSON in UTF-8', {
      member: MANIFEST_NAME,
      cause,
    });
  }
  const head = headSchema.safeParse(json);
  if (!head.success) throw invalid(head.error);
  const layout = LAYOUTS.find(
    (known) => known.format === head.data.format && known.version === head.data.version,
  );
  if (layout === undefined)
    throw new BundleError(
      'layout-unknown',
      `cannot read an archive of layout ${head.data.format} ${head.data.version}: this version of Airlock reads ${LAYOUTS.map((known) => `${known.format} ${known.version}`).join(', ')}; upgrade Airlock or export again`,
      { member: MANIFEST_NAME },
    );
  return { manifest: layout.parse(json), layout };
}

/** Bytes that a member of this role may have. */
export function roleLimit(role: MemberRole, limits: BundleLimits): number {
  return role === 'snap' ? limits.snapBytes : limits.assertionBytes;
}

/** Rules across the fields of a manifest: names unique and known, snaps and members in step. */
function checkManifest(manifest: Manifest, layout: BundleLayout): Manifest {
  const members = new Map<string, ManifestMember>();
  for (const member of manifest.members) {
    if (members.has(member.name)) throw broken(`it lists ${member.name} twice`);
    if (layout.roleOf(manifest, member.name) === undefined)
      throw broken(`it lists ${JSON.stringify(member.name)}, which has no place in this layout`);
    members.set(member.name, member);
  }
  const claimed = new Set<string>();
  const snapIds = new Set<string>();
  for (const snap of manifest.snaps) {
    if (snapIds.has(snap.snapId)) throw broken(`it describes snap ${snap.name} twice`);
    snapIds.add(snap.snapId);
    for (const revision of snap.revisions) {
      const file = members.get(revision.member);
      if (file === undefined || claimed.has(revision.member) || !members.has(revision.assertions))
        throw broken(`revision ${revision.revision} of ${snap.name} has no file of its own`);
      if (layout.snapMember(manifest.kind, snap.name, revision.revision) !== revision.member)
        throw broken(`${revision.member} is not the name for revision ${revision.revision} of ${snap.name}`);
      if (file.digest !== revision.digest || file.size !== revision.size)
        throw broken(`two digests or sizes are given for ${revision.member}`);
      claimed.add(revision.member);
    }
  }
  for (const name of members.keys())
    if (layout.roleOf(manifest, name) === 'snap' && !claimed.has(name))
      throw broken(`${name} belongs to no snap that it describes`);
  return manifest;
}

function broken(reason: string): BundleError {
  return new BundleError('manifest-invalid', `cannot accept manifest.json: ${reason}`, {
    member: MANIFEST_NAME,
  });
}

function invalid(error: z.ZodError): BundleError {
  const issue = error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? 'its form' : issue.path.join('.');
  return new BundleError(
    'manifest-invalid',
    `cannot accept manifest.json: ${where} is wrong (${issue?.message ?? 'unknown'})`,
    { member: MANIFEST_NAME, cause: error },
  );
}
