import fc from 'fast-check';
import type { HeaderValue } from '../../../src/assertions/index.ts';

/** Headers of a draft, before anybody checked them. */
export type DraftHeaders = { readonly [name: string]: HeaderValue };

/** An assertion to be signed by both sides. */
export interface GeneratedDraft {
  readonly type: string;
  readonly headers: DraftHeaders;
  readonly body?: string;
}

/** Keys that drafts speak of: encoded, with their ids. */
export interface DraftKey {
  readonly keyId: string;
  readonly encoded: string;
}

export const ACCOUNTS = ['my-brand', 'canonical', 'acme', 'abcdefghijklmnopqrstuvwxyz012345'];
export const SNAP_IDS = ['buPKUD3TKqCOgLEjjHx5kSiCpIs5cMuQ', '99T7MUlRhtI3U0QFgl5mXXESAiSwt776'];

export const accountId = fc.constantFrom(...ACCOUNTS);
export const snapId = fc.constantFrom(...SNAP_IDS);
export const timestamp = fc.constantFrom(
  '2024-05-06T07:08:09Z',
  '2024-02-29T23:59:59.123456789Z',
  '2020-01-01T00:00:00+02:00',
  '2016-04-01T00:00:00.0Z',
);
export const digest = fc
  .uint8Array({ minLength: 48, maxLength: 48 })
  .map((bytes) => Buffer.from(bytes).toString('base64url'));
export const snapName = fc.constantFrom('my-app', 'core22', 'a1', 'pc-kernel', 'x'.repeat(40));
export const count = fc.integer({ min: 1, max: 5000 }).map(String);
export const revision = fc.option(fc.integer({ min: 0, max: 9 }).map(String), { nil: undefined, freq: 2 });
export const words = fc.constantFrom('A name', 'Zwei Wörter', 'line one\nline two', '', ' padded ', 'колесо');
export const body = fc.option(fc.constantFrom('HW-DETAILS: 1\n', 'text', 'a\n\nb\n', 'ü\n\n\n'), {
  nil: undefined,
});

/** Drops entries without a value. */
function given(headers: { readonly [name: string]: HeaderValue | undefined }): DraftHeaders {
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : ([[name, value]] as const),
  );
  return Object.fromEntries(entries);
}

/** A record of arbitraries whose values may be undefined, as headers. */
export function headersOf(parts: {
  readonly [name: string]: fc.Arbitrary<HeaderValue | undefined>;
}): fc.Arbitrary<DraftHeaders> {
  return fc.record(parts).map(given);
}

/** Sometimes there, sometimes not. */
export function maybe<Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.option(arbitrary, { nil: undefined, freq: 2 });
}

/** Mostly one of the good values, now and then one that breaks a rule. */
export function mostly<Value>(good: readonly Value[], bad: readonly Value[]): fc.Arbitrary<Value> {
  return fc.oneof(
    { arbitrary: fc.constantFrom(...good), weight: 12 },
    { arbitrary: fc.constantFrom(...bad), weight: 1 },
  );
}

/** Mostly absent, now and then there. */
export function seldom<Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc
    .option(arbitrary, { nil: undefined, freq: 1 })
    .chain((value) =>
      fc.oneof(
        { arbitrary: fc.constant(undefined), weight: 5 },
        { arbitrary: fc.constant(value), weight: 1 },
      ),
    );
}
