/** A moment as the publisher gateway writes it (protocol/operators.md 2.4): ISO 8601 in UTC without a zone, microseconds. */
export function naive(moment: string): string;
export function naive(moment: string | null): string | null;
export function naive(moment: string | null): string | null {
  return moment === null ? null : `${new Date(moment).toISOString().slice(0, -1)}000`;
}
