/** One line of `npm run bench`: a figure, and what it is measured against in the same run. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The limit that this run measured for the same work, in the same unit. */
  readonly limit?: { readonly name: string; readonly value: number };
  /** `value` divided by the limit. */
  readonly ratio?: number;
  /** What is asked of the ratio, or of the value where there is no ratio. */
  readonly bound?: { readonly atLeast?: number; readonly atMost?: number };
}

/** A row whose ratio is worked out from its limit. */
export function againstLimit(
  row: BenchRow & { readonly limit: { readonly name: string; readonly value: number } },
): BenchRow {
  return { ...row, ratio: row.value / row.limit.value };
}
