import fc from 'fast-check';
import type { Place } from './gated-host.ts';
import type { Way } from './gates.ts';

/** How many there are of each: few, so that they meet. */
export const BOARDS = 4;
export const MODELS = 2;
export const KEYS = 3;
export const HOSTS = 2;

/** What somebody does. Hosts, boards, models and keys are counted; what is waiting is counted round. */
export type Act =
  /** A request with a new request-id, plain or with the former serial of the other model. */
  | {
      readonly kind: 'ask' | 'remodel';
      readonly host: number;
      readonly board: number;
      readonly model: number;
    }
  /** The board's last request again, byte for byte. */
  | { readonly kind: 'replay'; readonly host: number; readonly board: number }
  /** A request with the request-id of the last request of another board. */
  | { readonly kind: 'borrow'; readonly host: number; readonly board: number; readonly from: number }
  | { readonly kind: 'block' | 'unblock'; readonly on: 'device-key'; readonly board: number }
  | {
      readonly kind: 'block' | 'unblock';
      readonly on: 'serial';
      readonly model: number;
      readonly serial: number;
    }
  | { readonly kind: 'rotate'; readonly model: number; readonly key: number }
  /** Another account-key of a signing key is pushed: it is revoked, ends after so many seconds or ended before, or does not end. */
  | { readonly kind: 'account-key'; readonly key: number; readonly ends: 'revoked' | number | undefined }
  | { readonly kind: 'delete-key'; readonly key: number }
  | {
      readonly kind: 'permit';
      readonly model: number;
      readonly serial: number;
      readonly board: number | undefined;
    }
  | { readonly kind: 'withdraw'; readonly permit: number }
  | {
      readonly kind: 'allow' | 'disallow';
      readonly from: number;
      readonly serial: number | undefined;
    }
  | { readonly kind: 'pass'; readonly seconds: number }
  | { readonly kind: 'sweep' | 'die'; readonly host: number }
  /** Something that waits goes on. */
  | { readonly kind: 'open'; readonly gates: readonly number[]; readonly way: Way }
  /** All goes on until whatever waits is at that place; until nothing waits where none is named. */
  | { readonly kind: 'drain'; readonly upTo: Place | undefined };

const host = fc.nat({ max: HOSTS - 1 });
const board = fc.nat({ max: BOARDS - 1 });
const model = fc.nat({ max: MODELS - 1 });
/** Most happens in the first model, so that boards meet there. */
const key = fc.nat({ max: KEYS - 1 });
const mostlyFirst = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: model });
const serial = fc.nat({ max: 1 });
const gate = fc.nat({ max: 11 });

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('ask'), host, board, model: mostlyFirst }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('remodel'), host, board, model: fc.constant(1) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('replay'), host, board }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('borrow'), host, board, from: board }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('block', 'unblock', 'unblock'),
      on: fc.constant('device-key'),
      board,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('block', 'unblock'),
      on: fc.constant('serial'),
      model: mostlyFirst,
      serial,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('rotate'), model: mostlyFirst, key }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('account-key'),
      key,
      ends: fc.constantFrom<'revoked' | number | undefined>(
        'revoked',
        -30,
        30,
        undefined,
        undefined,
        undefined,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete-key'), key }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('permit'),
      model: mostlyFirst,
      serial,
      board: fc.option(board, { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('withdraw'), permit: fc.nat({ max: 3 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('allow', 'allow', 'disallow'),
      from: fc.constant(0),
      serial: fc.option(serial, { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass'), seconds: fc.constantFrom(1, 61, 601) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('sweep', 'sweep', 'die'), host }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('open'),
      gates: fc.array(gate, { minLength: 1, maxLength: 6, size: 'max' }),
      way: fc.constant('well'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('open'),
      gates: fc.tuple(gate),
      way: fc.constantFrom('ill', 'lost'),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('drain'),
      // Most of all with signatures under way: then the most can happen to a promise.
      upTo: fc.constantFrom(
        undefined,
        undefined,
        'batch',
        'signature',
        'signature',
        'signature',
        'store',
        'stored',
        'decision made',
      ),
    }),
  },
);

/** A key that is not good any more just before it signs, what follows of it in time, and another key in its place. */
const endedKey = fc
  .record({ key, host, model: mostlyFirst, ends: fc.constantFrom<'revoked' | number>('revoked', 1) })
  .map(({ key, host, model, ends }): Act[] => [
    { kind: 'drain', upTo: 'batch' },
    { kind: 'account-key', key, ends },
    { kind: 'pass', seconds: 61 },
    { kind: 'drain', upTo: 'signature' },
    { kind: 'sweep', host },
    { kind: 'rotate', model, key: (key + 1) % KEYS },
  ]);

function takenOver(host: number, board: number): Act[] {
  return [
    { kind: 'ask', host, board: 0, model: 0 },
    { kind: 'drain', upTo: undefined },
    { kind: 'permit', model: 0, serial: 0, board },
  ];
}

/**
 * A promise, new or of a serial that is taken over, that one host is about to close, while its key is good again and the device asks
 * another host.
 */
const extendedKey = fc
  .record({ key, host, board, isTakenOver: fc.boolean(), order: fc.constantFrom([1, 0], [0, 0]) })
  .map(({ key, host, board, isTakenOver, order }): Act[] => [
    { kind: 'rotate', model: 0, key },
    ...(isTakenOver ? takenOver(host, board) : []),
    { kind: 'ask', host, board, model: 0 },
    { kind: 'drain', upTo: 'batch' },
    { kind: 'account-key', key, ends: 1 },
    { kind: 'pass', seconds: 61 },
    { kind: 'sweep', host },
    { kind: 'account-key', key, ends: undefined },
    { kind: 'ask', host: 1 - host, board, model: 0 },
    { kind: 'drain', upTo: 'store' },
    { kind: 'open', gates: order, way: 'well' },
  ]);

/** A key that is revoked, or was good only until before it signed, is replaced in the policies, and a device of it asks again. */
const replacedKey = fc
  .record({ key, host, board, ends: fc.constantFrom<'revoked' | number>('revoked', -30) })
  .map(({ key, host, board, ends }): Act[] => [
    { kind: 'rotate', model: 0, key },
    { kind: 'ask', host, board, model: 0 },
    { kind: 'drain', upTo: undefined },
    { kind: 'account-key', key, ends },
    ...[0, 1].map((model): Act => ({ kind: 'rotate', model, key: (key + 1) % KEYS })),
    { kind: 'account-key', key: (key + 2) % KEYS, ends: undefined },
    { kind: 'ask', host, board, model: 0 },
  ]);

/** A key that is deleted when no policy names it any more, with its promises in nobody's hands. */
const deletedKey = fc
  .record({ key, host, board })
  .map(({ key, host, board }): Act[] => [
    { kind: 'rotate', model: 0, key },
    { kind: 'ask', host, board, model: 0 },
    { kind: 'drain', upTo: 'batch' },
    ...[0, 1].map((one): Act => ({ kind: 'die', host: one })),
    ...[0, 1].map((model): Act => ({ kind: 'rotate', model, key: (key + 1) % KEYS })),
    { kind: 'delete-key', key },
    { kind: 'pass', seconds: 61 },
    { kind: 'sweep', host },
  ]);

/** A history of some dozen acts. */
export const acts: fc.Arbitrary<Act[]> = fc
  .array(
    fc.oneof(
      { weight: 40, arbitrary: act.map((one) => [one]) },
      { weight: 2, arbitrary: endedKey },
      { weight: 1, arbitrary: extendedKey },
      { weight: 2, arbitrary: replacedKey },
      { weight: 1, arbitrary: deletedKey },
    ),
    { minLength: 10, maxLength: 45, size: 'max' },
  )
  .map((some) => some.flat());
