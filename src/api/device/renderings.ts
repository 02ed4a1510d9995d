import { purposeKey } from './session-tokens.ts';
import type { CatalogRevision, CatalogSnap } from './catalog-snap.ts';
import { JsonTemplate, knownFields, type SnapField, snapObject } from './snap-json.ts';
import { createHmac } from 'node:crypto';
import type { DeviceSecret } from './deps.ts';

/** How many different renderings of one revision are kept: fleets differ little in what they ask for. */
const KEPT = 6;

/** The seal of an icon's address: snapd fetches icons without a session, so the address itself is the permission. */
export function iconSeal(secret: Uint8Array, snapId: string, digest: string): string {
  return createHmac('sha256', purposeKey(secret, 'icon'))
    .update(`${snapId}\n${digest}`)
    .digest('hex')
    .slice(0, 32);
}

/** The seal under the present secret; without one icons are open to everybody, as their snaps then are. */
export function sealWith(secrets: readonly DeviceSecret[]): (snapId: string, digest: string) => string {
  const [present] = secrets;
  const secret = present?.secret ?? new Uint8Array();
  return (snapId, digest) => iconSeal(secret, snapId, digest);
}

/**
 * Snaps rendered as JSON text, kept as long as the catalog keeps the revision. A refresh of ten snaps then joins ten
 * texts in place of building and writing ten trees.
 */
export class Renderings {
  #kept = new WeakMap<CatalogRevision, Map<string, JsonTemplate>>();
  #secrets: readonly DeviceSecret[] = [];
  readonly #fieldLists = new Map<string, readonly SnapField[]>();

  /** The `snap` object of a refresh result, as UTF-8 with links under `base`. */
  snap(
    snap: CatalogSnap,
    revision: CatalogRevision,
    wanted: { readonly fields: string; readonly deltaFrom: number | undefined },
    secrets: readonly DeviceSecret[],
    base: string,
  ): Uint8Array {
    if (secrets !== this.#secrets) {
      // Icon addresses are sealed with the secret.
      this.#secrets = secrets;
      this.#kept = new WeakMap<CatalogRevision, Map<string, JsonTemplate>>();
    }
    const hasDelta = revision.deltas.some((delta) => delta.source === wanted.deltaFrom);
    const deltaFrom = hasDelta ? wanted.deltaFrom : undefined;
    const key = deltaFrom === undefined ? wanted.fields : `${wanted.fields} ${deltaFrom}`;
    let kept = this.#kept.get(revision);
    if (kept === undefined) this.#kept.set(revision, (kept = new Map<string, JsonTemplate>()));
    let template = kept.get(key);
    if (template === undefined) {
      const fields = this.#fields(wanted.fields);
      template = new JsonTemplate(
        snapObject(snap, revision, { fields, deltaFrom, iconSeal: sealWith(secrets) }),
      );
      if (kept.size >= KEPT) kept.clear();
      kept.set(key, template);
    }
    return template.bytes(base);
  }

  #fields(list: string): readonly SnapField[] {
    let fields = this.#fieldLists.get(list);
    if (fields === undefined) {
      fields = knownFields(list === '' ? [] : list.split(','));
      if (this.#fieldLists.size >= 100) this.#fieldLists.clear();
      this.#fieldLists.set(list, fields);
    }
    return fields;
  }
}
