import type { Headers, HeaderValue } from '../assertions/index.ts';
import { SnapError } from './errors.ts';

/** The grants that store scoping ties to a store (seed 002); a manual connection needs somebody's consent anyway. */
const SCOPED_RULES = ['allow-auto-connection', 'allow-installation'] as const;
type ScopedRule = (typeof SCOPED_RULES)[number];

const SIDES = ['plugs', 'slots'] as const;

/** One grant of a snap-declaration and how far it reaches. */
export interface Grant {
  readonly side: (typeof SIDES)[number];
  readonly interface: string;
  readonly rule: ScopedRule;
  /** `unscoped`: on any device; `scoped`: only on devices of `stores`. */
  readonly reach: 'unscoped' | 'scoped';
  readonly stores: readonly string[];
  /** False when nothing was written and the rule holds only because others of its interface are written. */
  readonly written: boolean;
}

type HeaderMap = { readonly [name: string]: HeaderValue };

/**
 * Every automatic grant of a declaration, in the order of its text. Denied ones are left out. A rule that is not
 * written next to others of its interface counts as granted, because snapd takes it so.
 * Throws `declaration-invalid`.
 */
export function grantsOf(declaration: Headers): Grant[] {
  return SIDES.flatMap((side) =>
    rulesOf(declaration, side).flatMap(([name, rule]) => grantsOfInterface(side, name, rule)),
  );
}

/** The grants that a device of any store would get: what an audit reports (seed 002). */
export function unscopedGrants(declaration: Headers): Grant[] {
  return grantsOf(declaration).filter((grant) => grant.reach === 'unscoped');
}

function grantsOfInterface(side: Grant['side'], name: string, rule: HeaderValue): Grant[] {
  return SCOPED_RULES.flatMap((ruleName): Grant[] => {
    const explicit = isMap(rule) ? rule[ruleName] : rule;
    const written = explicit !== undefined;
    const alternatives = isList(explicit) ? explicit : [explicit ?? 'true'];
    const granted = alternatives.filter((alternative) => alternative !== 'false');
    if (granted.length === 0) return [];
    const lists = granted.map((alternative) => storesOf(alternative));
    const reach = lists.every((list) => list.length > 0) ? 'scoped' : 'unscoped';
    const stores = [...new Set(lists.flat())].sort();
    return [{ side, interface: name, rule: ruleName, reach, stores, written }];
  });
}

function storesOf(alternative: HeaderValue): string[] {
  if (!isMap(alternative)) return [];
  const stores = alternative['on-store'];
  return isList(stores) ? stores.filter((store) => typeof store === 'string') : [];
}

/**
 * The same declaration with every unscoped automatic grant tied to `stores`: the proposal that a signer signs as the
 * next revision. Grants that are tied already, denials and manual connections stay as they are. Timestamp, revision,
 * format and key are the signer's matter. Returns undefined when there is nothing to tie.
 * Throws `declaration-invalid`.
 */
export function scopeDeclaration(declaration: Headers, stores: readonly string[]): Headers | undefined {
  if (stores.length === 0 || stores.some((store) => !/^[-A-Z0-9a-z_]+$/.test(store))) {
    throw invalid('store ids are needed, made of letters, digits, - and _');
  }
  if (unscopedGrants(declaration).length === 0) return undefined;
  const scoped: Record<string, HeaderValue> = { ...declaration };
  for (const side of SIDES) {
    const rules = rulesOf(declaration, side);
    if (rules.length === 0) continue;
    scoped[side] = Object.fromEntries(rules.map(([name, rule]) => [name, scopeInterface(rule, stores)]));
  }
  return scoped;
}

function scopeInterface(rule: HeaderValue, stores: readonly string[]): HeaderValue {
  if (rule === 'false') return rule;
  const written: HeaderMap = isMap(rule) ? rule : {};
  const scoped: Record<string, HeaderValue> = { ...written };
  for (const name of SCOPED_RULES) scoped[name] = scopeRule(written[name] ?? 'true', stores);
  return scoped;
}

function scopeRule(rule: HeaderValue, stores: readonly string[]): HeaderValue {
  if (rule === 'false') return rule;
  if (isList(rule)) return rule.map((alternative) => scopeRule(alternative, stores));
  if (!isMap(rule)) return { 'on-store': [...stores] };
  return storesOf(rule).length > 0 ? rule : { ...rule, 'on-store': [...stores] };
}

/** Takes back what `scopeDeclaration` did: the named stores vanish from every grant (seed 002, rolling back). */
export function unscopeDeclaration(declaration: Headers, stores: readonly string[]): Headers {
  const open: Record<string, HeaderValue> = { ...declaration };
  for (const side of SIDES) {
    const rules = rulesOf(declaration, side);
    if (rules.length === 0) continue;
    open[side] = Object.fromEntries(rules.map(([name, rule]) => [name, unscopeInterface(rule, stores)]));
  }
  return open;
}

function unscopeInterface(rule: HeaderValue, stores: readonly string[]): HeaderValue {
  if (!isMap(rule)) return rule;
  const open: Record<string, HeaderValue> = { ...rule };
  for (const name of SCOPED_RULES) {
    const value = rule[name];
    if (value !== undefined) open[name] = unscopeRule(value, stores);
  }
  return open;
}

function unscopeRule(rule: HeaderValue, stores: readonly string[]): HeaderValue {
  if (isList(rule)) return rule.map((alternative) => unscopeRule(alternative, stores));
  if (!isMap(rule)) return rule;
  const { 'on-store': _, ...rest } = rule;
  const left = storesOf(rule).filter((store) => !stores.includes(store));
  if (left.length > 0) return { ...rest, 'on-store': left };
  return Object.keys(rest).length === 0 ? 'true' : rest;
}

function rulesOf(declaration: Headers, side: Grant['side']): [string, HeaderValue][] {
  const rules = declaration[side];
  if (rules === undefined) return [];
  if (!isMap(rules)) throw invalid(`its ${side} are not a map`);
  const entries = Object.entries(rules);
  for (const [name, rule] of entries) {
    if (!isMap(rule) && rule !== 'true' && rule !== 'false') {
      throw invalid(`the rule of ${name} in its ${side} is neither a map nor true nor false`);
    }
  }
  return entries;
}

function isMap(value: HeaderValue | undefined): value is HeaderMap {
  return typeof value === 'object' && !Array.isArray(value);
}

function isList(value: HeaderValue | undefined): value is readonly HeaderValue[] {
  return Array.isArray(value);
}

function invalid(reason: string): SnapError {
  return new SnapError('declaration-invalid', `cannot scope the snap-declaration: ${reason}`);
}
