import { ANY_ARCHITECTURE } from './architecture.ts';
import type { SnapYaml } from './snap-yaml.ts';

/**
 * The channel that snapd installs from what another snap needs, whichever channel that one comes from
 * (`installPrereqs` of its overlord/snapstate): in another the devices would not find it.
 */
export const NEEDS_CHANNEL = 'latest/stable';

/** Most snaps that come along because others need them. A real store has some dozens of bases and providers. */
export const NEEDS_MAX = 200;

/** A snap that another cannot do without. */
export interface SnapNeed {
  readonly name: string;
  /** What for, in words. */
  readonly why: string;
}

/**
 * What snapd installs before a snap: its base (`bare` is a snap as well), the snapd snap where there is a base of its own, and
 * the default providers of its content plugs.
 */
export function needsOf(yaml: Pick<SnapYaml, 'type' | 'base' | 'plugs'>): readonly SnapNeed[] {
  const needs: SnapNeed[] = [];
  if (yaml.type === 'app' || yaml.type === 'gadget') {
    const base = yaml.base ?? 'core';
    if (base !== 'none') needs.push({ name: base, why: 'its base' });
    if (yaml.base !== undefined && base !== 'none') needs.push({ name: 'snapd', why: 'for its base' });
  }
  for (const plug of yaml.plugs) {
    const provider = plug.attributes['default-provider'];
    // Once written with the slot, as in `gtk-common-themes:gtk-3-themes`.
    if (plug.interface === 'content' && typeof provider === 'string')
      needs.push({ name: provider.split(':')[0] ?? provider, why: `default provider of ${plug.name}` });
  }
  return needs;
}

/**
 * For whom a snap that is needed does not come, in words that end a sentence.
 *
 * @param wanted architectures of the snap that needs it
 * @param held those that it comes for; undefined where it does not come at all
 * @returns undefined where nobody misses it
 */
export function missedFor(
  wanted: readonly string[],
  held: readonly string[] | undefined,
): string | undefined {
  if (held === undefined) return '';
  const comes = (architecture: string) =>
    architecture === ANY_ARCHITECTURE || held.includes(architecture) || held.includes(ANY_ARCHITECTURE);
  const missing = new Set(wanted.filter((architecture) => !comes(architecture)));
  return missing.size === 0 ? undefined : ` for ${[...missing].toSorted().join(' and ')}`;
}
