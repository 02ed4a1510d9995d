import fc from 'fast-check';
import type { Place } from './gated-host.ts';
import type { Way } from './gates.ts';

/** How many there are of each: few, so that they meet. */
export const BOARDS = 4;
export const MODELS = 2;
export const KEYS = 2;
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
    arbitrary: fc.record({ kind: fc.constant('rotate'), model: mostlyFirst, key: fc.nat({ max: KEYS - 1 }) }),
  },
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
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass'), seconds: fc.constantFrom(1, 61, 601) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('sweep', 'die'), host }) },
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

/** A history of some dozen acts. */
export const acts: fc.Arbitrary<Act[]> = fc.array(act, { minLength: 10, maxLength: 45, size: 'max' });
