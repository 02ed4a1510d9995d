import { z } from 'zod';
import type { Queries } from '../../../storage/index.ts';
import { noRemovedRows, removedRowsSchema } from './removed-rows.ts';

const row = z.record(z.string(), z.unknown());
/** What an import may change of an account; what it made of that, `after`, and the validation came later than the first records. */
const accountDetails = z.object({
  displayName: z.string(),
  validation: z.string().optional(),
  email: z.string().nullable(),
});

/** Everything that an import or a removal changed, as it was before: what a roll-back puts back. Ids are those of the tables. */
export const undoSchema = z.object({
  assertions: z.array(z.object({ type: z.string(), primaryKey: z.string(), revision: z.number() })),
  accountsAdded: z.array(z.string()),
  snapsAdded: z.array(z.string()),
  snapsBefore: z.array(row),
  revisionsAdded: z.array(z.number()),
  releasesAdded: z.array(z.number()),
  releasesEnded: z.array(z.number()),
  storesAdded: z.array(z.string()),
  storesBefore: z.array(row),
  inclusionsOf: z.array(z.string()),
  inclusionsBefore: z.array(row),
  includedSnapsBefore: z.array(row),
  /** Shares came later than the first records. */
  sharesOf: z.array(z.string()).default([]),
  sharesBefore: z.array(z.object({ id: z.number(), storeId: z.string(), brandId: z.string() })).default([]),
  rolesAdded: z.array(z.number()),
  tokensAdded: z.array(z.string()),
  /** What was changed of accounts, components and what a removal took away came later than the first records. */
  accountsBefore: z
    .array(accountDetails.extend({ id: z.string(), after: accountDetails.optional() }))
    .default([]),
  removed: removedRowsSchema.default(noRemovedRows),
  componentsAdded: z.array(z.number()).default([]),
  pairsAdded: z.array(z.number()).default([]),
  pairsBefore: z.array(z.object({ id: z.number(), resourceRevision: z.number() })).default([]),
  pin: z.object({ storeId: z.string(), before: row.nullable() }).nullable(),
});

/** See `undoSchema`. */
export type Undo = z.output<typeof undoSchema>;

/** One act that is being undone. */
export interface Undoing {
  readonly queries: Queries;
  readonly undo: Undo;
  /** When it was done: the moment that its rows carry. */
  readonly madeAt: string;
  /** What people call it. */
  readonly subject: string;
}

/** An act that changed nothing yet. */
export function emptyUndo(): Undo {
  return {
    assertions: [],
    accountsAdded: [],
    snapsAdded: [],
    snapsBefore: [],
    revisionsAdded: [],
    releasesAdded: [],
    releasesEnded: [],
    storesAdded: [],
    storesBefore: [],
    inclusionsOf: [],
    inclusionsBefore: [],
    includedSnapsBefore: [],
    sharesOf: [],
    sharesBefore: [],
    rolesAdded: [],
    tokensAdded: [],
    accountsBefore: [],
    removed: noRemovedRows(),
    componentsAdded: [],
    pairsAdded: [],
    pairsBefore: [],
    pin: null,
  };
}
