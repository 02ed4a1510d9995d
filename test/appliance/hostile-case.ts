/** What a hostile file is, and words to make one of an honest export. */
import type { RawMember } from '../bundles/sample.ts';
import { MEMBERS, type CarriedExports, type Draft } from './carried-exports.ts';

/** How a case is pushed, and what must come of it. */
export interface Hostile {
  readonly what: string;
  readonly file: (carried: CarriedExports) => Promise<string>;
  /** The command, push-store when absent. */
  readonly push?: string;
  /** The sentence that the operator reads, PATH and NAME in place of the file's own. */
  readonly says: string | RegExp;
  readonly status: number;
}

/** One that the durable process refuses, which writes the code down; the others are refused before anything begins. */
export interface Logged extends Hostile {
  readonly code: string;
}

/** Members with one of them changed. */
export const replaced =
  (name: string, by: (member: RawMember) => RawMember) => (members: readonly RawMember[]) =>
    members.map((member) => (member.header.name === name ? by(member) : member));
/** Members, and more behind them. */
export const and =
  (...more: readonly RawMember[]) =>
  (members: readonly RawMember[]) => [...members, ...more];
/** Members less one. */
export const without = (name: string) => (members: readonly RawMember[]) =>
  members.filter(({ header }) => header.name !== name);
/** What a member holds. */
export const bytesOf = (draft: Draft, name: string): Buffer => draft.contents.get(name) ?? Buffer.of();
/** The new snap, with values of an extended header. */
export const withPax = (bytes: Uint8Array | undefined, pax: Record<string, string>): RawMember => ({
  header: { name: MEMBERS.newSnap, pax },
  bytes: bytes ?? Buffer.of(),
});
/** Bytes with one bit changed. */
export const flipped = (bytes: Uint8Array, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};
