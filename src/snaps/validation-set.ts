import type { Headers, HeaderValue } from '../assertions/index.ts';
import { SnapError } from './errors.ts';

/** What one validation set says about one snap. */
export interface SnapConstraint {
  readonly presence: 'required' | 'optional' | 'invalid';
  /** The only revision that the set allows; undefined allows any. */
  readonly revision: number | undefined;
}

/** What several sets together say about one snap. */
export type CombinedConstraint =
  | { readonly kind: 'free' }
  | { readonly kind: 'pinned'; readonly revision: number }
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'conflict'; readonly revisions: readonly number[] };

/** Reads what a validation-set assertion's headers say about a snap. Throws `validation-set-invalid`. */
export function constraintOf(set: Headers, snapId: string): SnapConstraint | undefined {
  const snaps = set['snaps'];
  if (!isList(snaps)) throw invalid('it has no list of snaps');
  for (const entry of snaps) {
    if (typeof entry === 'string' || isList(entry)) throw invalid('an entry of its snaps is not a map');
    if (entry['id'] !== snapId) continue;
    return { presence: presenceOf(entry['presence']), revision: revisionOf(entry['revision']) };
  }
  return undefined;
}

/** Ids of the snaps that a validation-set assertion's headers name. */
export function snapsOf(set: Headers): string[] {
  const snaps = set['snaps'];
  if (!isList(snaps)) return [];
  return snaps.flatMap((entry) =>
    typeof entry === 'string' || isList(entry) || typeof entry['id'] !== 'string' ? [] : [entry['id']],
  );
}

/** Joins what several sets say: one that forbids wins, two different pins cannot both be met. */
export function combine(constraints: readonly SnapConstraint[]): CombinedConstraint {
  if (constraints.some((each) => each.presence === 'invalid')) return { kind: 'forbidden' };
  const revisions = new Set(
    constraints.flatMap((each) => (each.revision === undefined ? [] : [each.revision])),
  );
  const [first, ...others] = [...revisions].sort((a, b) => a - b);
  if (first === undefined) return { kind: 'free' };
  return others.length === 0
    ? { kind: 'pinned', revision: first }
    : { kind: 'conflict', revisions: [first, ...others] };
}

function presenceOf(value: HeaderValue | undefined): SnapConstraint['presence'] {
  if (value === undefined || value === 'required') return 'required';
  if (value === 'optional' || value === 'invalid') return value;
  throw invalid('a presence is none of required, optional and invalid');
}

function revisionOf(value: HeaderValue | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && /^[1-9][0-9]{0,9}$/.test(value)) return Number(value);
  throw invalid('a revision is not a positive number');
}

function isList(value: HeaderValue | undefined): value is readonly HeaderValue[] {
  return Array.isArray(value);
}

function invalid(reason: string): SnapError {
  return new SnapError('validation-set-invalid', `cannot read the validation set: ${reason}`);
}
