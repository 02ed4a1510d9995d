import { noManifest } from './archive-failures.ts';
import { BundleError, shownName } from './errors.ts';
import { sha3Of } from './hashing.ts';
import { SIGNATURE_NAME, parseManifest, roleLimit, type BundleLayout } from './layouts.ts';
import type { BundleLimits } from './limits.ts';
import type { Manifest, ManifestMember } from './manifest.ts';
import type { TarHeader } from './tar-header.ts';
import { verifyManifestSignature, type ExporterKey } from './signature.ts';

/** A tar header, the extended header that long names or sizes bring, and the padding: more is never needed for one member. */
const OVERHEAD = 4096;

/** The signed head of an archive. */
export interface BundleHead {
  readonly manifest: Manifest;
  readonly layout: BundleLayout;
  /** SHA3-384 of `manifest.json`: the name of the content, as the manifest holds a digest of every other member. */
  readonly digest: string;
  /** Fingerprint of the key that signed the manifest. */
  readonly exporter: string;
  readonly exporterKey: ExporterKey;
}

/** What has been seen so far, and what may still come. */
export class ArchiveChecks {
  readonly limits: BundleLimits;
  current: string | undefined;
  #manifestBytes: Uint8Array | undefined;
  #head: BundleHead | undefined;
  #pending = new Map<string, ManifestMember>();
  readonly #seen = new Set<string>();
  #passed = 0;
  #allowed: number;

  constructor(limits: BundleLimits) {
    this.limits = limits;
    this.#allowed = limits.manifestBytes + limits.assertionBytes + 2 * OVERHEAD + limits.trailingBytes;
  }

  get head(): BundleHead | undefined {
    return this.#head;
  }

  /** Counts unpacked bytes, whatever they are: this is what stops a bomb. */
  meter(bytes: number): void {
    this.#passed += bytes;
    if (this.#passed > this.#allowed)
      throw new BundleError(
        'bundle-too-large',
        this.#head === undefined
          ? 'cannot accept the archive: it unpacks to more than a manifest may have, and none came; is this an archive that Airlock exported?'
          : `cannot accept the archive: it unpacks to more than its manifest lists${this.current === undefined ? '' : ` (after ${shownName(this.current)})`}`,
        this.current === undefined ? {} : { member: this.current },
      );
  }

  /** Checks the tar header of a member, before any of its bytes is kept. */
  admit(header: TarHeader): { readonly name: string; readonly size: number } {
    const { name, size } = header;
    this.current = name;
    const options = { member: name };
    if (header.type !== 'file' && header.type !== 'contiguous-file')
      throw new BundleError(
        'member-type-refused',
        `cannot accept ${shownName(name)}: it is a ${header.type ?? 'member of unknown type'}, and an archive holds plain files only`,
        options,
      );
    if (name.startsWith('/') || name.includes('\\') || name.includes('\0') || name.split('/').includes('..'))
      throw new BundleError(
        'member-name-refused',
        `cannot accept ${shownName(name)}: its path leads out of the archive`,
        options,
      );
    if (this.#seen.has(name))
      throw new BundleError(
        'member-duplicate',
        `cannot accept ${shownName(name)}: the archive holds it twice`,
        options,
      );
    this.#seen.add(name);
    if (this.#seen.size > this.limits.members)
      throw new BundleError(
        'bundle-too-large',
        `cannot accept the archive: it has more than ${this.limits.members} members`,
      );
    return { name, size };
  }

  /** Takes the manifest's bytes. */
  manifest(bytes: Uint8Array): void {
    this.#manifestBytes = bytes;
  }

  /** Takes the signature, checks it, and opens the archive for what the manifest lists. */
  async sign(jws: string): Promise<BundleHead> {
    const bytes = this.#manifestBytes;
    if (bytes === undefined) throw noManifest();
    const { fingerprint: exporter, key: exporterKey } = await verifyManifestSignature(bytes, jws);
    const { manifest, layout } = parseManifest(bytes);
    if (manifest.exporter !== exporter)
      throw new BundleError(
        'manifest-signature-invalid',
        'cannot accept manifest.json: it is signed by another key than it names',
        {
          member: SIGNATURE_NAME,
        },
      );
    if (manifest.members.length + 2 > this.limits.members)
      throw new BundleError(
        'bundle-too-large',
        `cannot accept the archive: it has more than ${this.limits.members} members`,
      );
    let total = 0;
    let shared = 0;
    for (const member of manifest.members) {
      const role = layout.roleOf(manifest, member.name);
      if (role === undefined || member.size > roleLimit(role, this.limits))
        throw new BundleError(
          'bundle-too-large',
          `cannot accept ${shownName(member.name)}: ${member.size} bytes are more than such a file may have`,
          {
            member: member.name,
          },
        );
      total += member.size + OVERHEAD;
      if (role === 'assertions' || role === 'keys') shared += member.size;
      this.#pending.set(member.name, member);
    }
    if (shared > this.limits.sharedAssertionBytes)
      throw new BundleError(
        'bundle-too-large',
        `cannot accept the archive: its assertions have ${shared} bytes together, more than the limit of ${this.limits.sharedAssertionBytes}`,
      );
    if (total > this.limits.totalBytes)
      throw new BundleError(
        'bundle-too-large',
        `cannot accept the archive: its members have ${total} bytes together, more than the limit of ${this.limits.totalBytes}`,
      );
    this.#allowed =
      bytes.byteLength +
      new TextEncoder().encode(jws).byteLength +
      2 * OVERHEAD +
      total +
      this.limits.trailingBytes;
    this.#head = { manifest, layout, exporter, exporterKey, digest: sha3Of(bytes) };
    return this.#head;
  }

  /** Finds the manifest's entry for a member, and crosses it off. */
  claim(name: string, size: number): ManifestMember {
    const listed = this.#pending.get(name);
    if (listed === undefined)
      throw new BundleError(
        'member-unlisted',
        `cannot accept ${shownName(name)}: the manifest does not list it`,
        { member: name },
      );
    if (listed.size !== size)
      throw new BundleError(
        'member-size-wrong',
        `cannot accept ${shownName(name)}: it has ${size} bytes where the manifest says ${listed.size}`,
        { member: name },
      );
    this.#pending.delete(name);
    return listed;
  }

  finish(): BundleHead {
    if (this.#manifestBytes === undefined) throw noManifest();
    if (this.#head === undefined)
      throw new BundleError('manifest-unsigned', 'cannot accept the archive: manifest.jws is missing', {
        member: SIGNATURE_NAME,
      });
    for (const name of this.#pending.keys())
      throw new BundleError(
        'member-missing',
        `cannot accept the archive: ${shownName(name)} is missing, which the manifest lists`,
        {
          member: name,
        },
      );
    return this.#head;
  }
}
