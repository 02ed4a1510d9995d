import { z } from 'zod';
import { readAs } from '../read-as.ts';
import { BundleError } from './errors.ts';
import { excessOfJson } from './json-excess.ts';
import type { BundleLimits } from './limits.ts';
import { manifestSchema, type Manifest, type ManifestMember } from './manifest.ts';

/** Name of the member that must come first in every archive. */
export const MANIFEST_NAME = 'manifest.json';
/** Name of the member that must come second. */
export const SIGNATURE_NAME = 'manifest.jws';

/** What a member holds, told by its name. */
export type MemberRole = 'assertions' | 'keys' | 'snap' | 'component' | 'snap-assertions';

/** One way of laying an archive out. A new one is a new adapter here; nothing else asks for names. */
export interface BundleLayout {
  readonly format: string;
  readonly version: number;
  /** Reads the manifest's JSON. Throws BundleError `manifest-invalid`. */
  parse(json: unknown): Manifest;
  /** What the member is for; undefined when this layout has no such name. */
  roleOf(manifest: Manifest, name: string): MemberRole | undefined;
  snapMember(kind: Manifest['kind'], name: string, revision: number): string;
  componentMember(kind: Manifest['kind'], snap: string, name: string, revision: number): string;
  snapAssertionsMember(kind: Manifest['kind'], name: string, revision: number): string;
}

const FILE = /^([a-z0-9][a-z0-9-]{0,39})_([1-9][0-9]{0,9})\.(snap|assert)$/;
/** As snapd names the files of components. */
const COMPONENT = /^[a-z0-9][a-z0-9-]{0,39}\+[a-z0-9][a-z0-9-]{0,39}_[1-9][0-9]{0,9}\.comp$/;
const STREAM = /^(assertions|keys)\/[a-z0-9][a-z0-9-]{0,63}\.assert$/;

const folderOf = (kind: Manifest['kind']) => (kind === 'store' ? 'snaps/' : '');

function airlockBundle(version: Manifest['version']): BundleLayout {
  const layout: BundleLayout = {
    format: 'airlock-bundle',
    version,
    parse(json) {
      return checkManifest(readManifest(manifestSchema, json), layout);
    },
    roleOf(manifest, name) {
      const stream = STREAM.exec(name);
      if (stream !== null) return stream[1] === 'keys' ? 'keys' : 'assertions';
      const prefix = folderOf(manifest.kind);
      if (!name.startsWith(prefix)) return undefined;
      const own = name.slice(prefix.length);
      if (version > 1 && COMPONENT.test(own)) return 'component';
      const file = FILE.exec(own);
      if (file === null) return undefined;
      return file[3] === 'snap' ? 'snap' : 'snap-assertions';
    },
    snapMember: (kind, name, revision) => `${folderOf(kind)}${name}_${revision}.snap`,
    componentMember: (kind, snap, name, revision) => `${folderOf(kind)}${snap}+${name}_${revision}.comp`,
    snapAssertionsMember: (kind, name, revision) => `${folderOf(kind)}${name}_${revision}.assert`,
  };
  return layout;
}

const airlockBundle4 = airlockBundle(4);
const LAYOUTS: readonly BundleLayout[] = [
  airlockBundle(1),
  airlockBundle(2),
  airlockBundle(3),
  airlockBundle4,
];

/** What each layout has that the ones before it do not. */
const ADDED: Readonly<Record<Manifest['version'], string>> = {
  1: 'stores and snaps',
  2: 'components, and files that are left out',
  3: 'with whom a store is shared, and what it awaits',
  4: 'whose sub-store a store is',
};

/** The layout that this version writes. */
export const currentLayout: BundleLayout = airlockBundle4;

/** The oldest layout that can say what a manifest says: who has not upgraded yet reads what needs nothing new. */
export function versionFor(
  manifest: Pick<Manifest, 'restsOn' | 'snaps' | 'stores' | 'awaits'>,
): Manifest['version'] {
  if (manifest.stores.some(({ parent }) => parent !== undefined)) return 4;
  if (manifest.awaits !== undefined || manifest.stores.some(({ sharedWith }) => sharedWith !== undefined))
    return 3;
  const withComponents = manifest.snaps.some((snap) => (snap.components ?? []).length > 0);
  return manifest.restsOn !== undefined || withComponents ? 2 : 1;
}

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
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const excess = excessOfJson(text);
    if (excess !== undefined) throw broken(excess);
    json = JSON.parse(text);
  } catch (cause) {
    if (cause instanceof BundleError) throw cause;
    throw new BundleError('manifest-invalid', 'cannot read manifest.json: it is not JSON in UTF-8', {
      member: MANIFEST_NAME,
      cause,
    });
  }
  const head = readManifest(headSchema, json);
  const layout = LAYOUTS.find((known) => known.format === head.format && known.version === head.version);
  if (layout === undefined)
    throw new BundleError(
      'layout-unknown',
      `cannot read an archive of layout ${head.format} ${head.version}: this version of Airlock reads ${LAYOUTS.map((known) => `${known.format} ${known.version}`).join(', ')}; upgrade Airlock or export again`,
      { member: MANIFEST_NAME },
    );
  return { manifest: layout.parse(json), layout };
}

/** Bytes that a member of this role may have. */
export function roleLimit(role: MemberRole, limits: BundleLimits): number {
  if (isFile(role)) return limits.snapBytes;
  return role === 'snap-assertions' ? limits.snapAssertionBytes : limits.assertionBytes;
}

/** Whether a member is a file that devices download, and that is kept as a blob. */
export function isFile(role: MemberRole): boolean {
  return role === 'snap' || role === 'component';
}

/** Rules across the fields of a manifest: names unique and known, snaps and members in step. */
function checkManifest(manifest: Manifest, layout: BundleLayout): Manifest {
  const needed = versionFor(manifest);
  if (needed > layout.version)
    throw broken(`layout ${layout.version} does not have what layout ${needed} adds: ${ADDED[needed]}`);
  const members = new Map<string, ManifestMember>();
  for (const member of [...manifest.members, ...(manifest.restsOn?.members ?? [])]) {
    if (members.has(member.name)) throw broken(`it lists ${member.name} twice`);
    if (layout.roleOf(manifest, member.name) === undefined)
      throw broken(`it lists ${JSON.stringify(member.name)}, which has no place in this layout`);
    members.set(member.name, member);
  }
  const claimed = new Set<string>();
  const claim = (listed: { member: string; digest: string; size: number }, name: string, what: string) => {
    const file = members.get(listed.member);
    if (file === undefined || claimed.has(listed.member)) throw broken(`${what} has no file of its own`);
    if (listed.member !== name) throw broken(`${listed.member} is not the name for ${what}`);
    if (file.digest !== listed.digest || file.size !== listed.size)
      throw broken(`two digests or sizes are given for ${listed.member}`);
    claimed.add(listed.member);
  };
  const snapIds = new Set<string>();
  for (const snap of manifest.snaps) {
    if (snapIds.has(snap.snapId)) throw broken(`it describes snap ${snap.name} twice`);
    snapIds.add(snap.snapId);
    const components = new Set<string>();
    const paired = new Set<string>();
    for (const component of snap.components ?? []) {
      const { name, revision } = component;
      const member = layout.componentMember(manifest.kind, snap.name, name, revision);
      claim(component, member, `revision ${revision} of ${snap.name}+${name}`);
      components.add(`${name} ${revision}`);
    }
    for (const revision of snap.revisions) {
      const what = `revision ${revision.revision} of ${snap.name}`;
      if (!members.has(revision.assertions)) throw broken(`${what} has no file of its own`);
      claim(revision, layout.snapMember(manifest.kind, snap.name, revision.revision), what);
      const named = new Set<string>();
      for (const pair of revision.components ?? []) {
        if (named.has(pair.name) || !components.has(`${pair.name} ${pair.revision}`))
          throw broken(`${what} goes with a component ${pair.name} that is not described once`);
        named.add(pair.name);
        paired.add(`${pair.name} ${pair.revision}`);
      }
    }
    for (const component of components)
      if (!paired.has(component))
        throw broken(`no revision of ${snap.name} goes with its component ${component}`);
  }
  for (const name of members.keys()) {
    const role = layout.roleOf(manifest, name);
    if (role !== undefined && isFile(role) && !claimed.has(name))
      throw broken(`${name} belongs to no snap that it describes`);
  }
  for (const { name } of manifest.restsOn?.members ?? [])
    if (!claimed.has(name)) throw broken(`it leaves out ${name}, and only files of snaps may be left out`);
  return manifest;
}

function broken(reason: string): BundleError {
  return new BundleError('manifest-invalid', `cannot accept manifest.json: ${reason}`, {
    member: MANIFEST_NAME,
  });
}

/** Reads a part of the manifest. Throws {@link BundleError} `manifest-invalid`. */
function readManifest<Part>(schema: z.ZodType<Part>, json: unknown): Part {
  const result = readAs(schema, json);
  if (result.success) return result.data;
  throw new BundleError('manifest-invalid', `cannot accept manifest.json: ${result.fault}`, {
    member: MANIFEST_NAME,
    cause: result.cause,
  });
}
