import type { Queries } from '../../storage/index.ts';
import type { ImportPlanItem } from '../../workflows/import-contract.ts';
import type { Undo } from './undo/undo.ts';

/** The transaction of one import: where its rows go, how they are undone, and what to tell people of them. */
export class ImportChanges {
  readonly queries: Queries;
  readonly undo: Undo;
  /** The moment that every row of this import carries. */
  readonly at: string;
  readonly items: ImportPlanItem[] = [];

  constructor(queries: Queries, undo: Undo, at: Date) {
    this.queries = queries;
    this.undo = undo;
    this.at = at.toISOString();
  }

  /** Notes one change. */
  note(
    action: ImportPlanItem['action'],
    kind: ImportPlanItem['kind'],
    subject: string,
    detail: string,
  ): void {
    this.items.push({ action, kind, subject, detail });
  }

  /** How many changes of each sort there were. */
  counts(): { new: number; updated: number; removed: number } {
    const count = (action: ImportPlanItem['action']) =>
      this.items.filter((item) => item.action === action).length;
    return { new: count('new'), updated: count('updated'), removed: count('removed') };
  }
}

/** What is said of a channel that got once more what it held: another time of its release, and nothing else for its devices. */
export function releasedAnew(held: string, at: string): string {
  return `${held} as before, released anew at ${at}`;
}

/** Whether two rows say the same: order of keys aside, and flags as the embedded database gives them. */
export function sameRow(one: object, other: object): boolean {
  return JSON.stringify(plain(one)) === JSON.stringify(plain(other));
}

function plain(value: unknown): unknown {
  if (typeof value === 'boolean') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, inner]) => [key, plain(inner)]),
  );
}
