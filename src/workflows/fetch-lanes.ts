/** In what order a fetch brings its files: rules of its workflow that the steps themselves ask as well. */
import { atOnce, inTurns } from '../at-once.ts';
import type { FetchItem, FetchSnapsInput } from './fetch-contract.ts';

/** Downloads at a time: one waits while another has the network. */
export const FETCH_LANES = 4;
/** Large archives written at a time: else files of one size would come together, and then be written together while nothing comes. */
const LARGE_AT_ONCE = 2;
/** From so many bytes on an archive is large: the disk is busy with its bytes, not with finding room for one more file. */
const LARGE_BYTES = 2 ** 24;

/** What is done with the files of a fetch, whoever does it. */
export interface FetchSteps {
  readonly download: (index: number) => Promise<void>;
  /** Writes the archive of a snap whose files are all here, after which they need not be. Undefined: archives wait. */
  readonly write: ((snap: string) => Promise<void>) | undefined;
}

/**
 * Whether the archive of a snap can be written as soon as its files are here. A whole store is one archive; and as long as files alone tell
 * what else is to come, any snap may get more places.
 */
export function writesAsTheyCome(
  { whole, withDependencies }: Pick<FetchSnapsInput, 'whole' | 'withDependencies'>,
  items: readonly Pick<FetchItem, 'tellsNeeds'>[],
): boolean {
  return whole === undefined && !(withDependencies && items.some(({ tellsNeeds }) => tellsNeeds));
}

/** Downloads the files from one on. Where archives are written meanwhile it goes snap by snap: see {@link writesAsTheyCome}. */
export async function bringFiles(
  items: readonly FetchItem[],
  from: number,
  { download, write }: FetchSteps,
): Promise<void> {
  if (write === undefined) return atOnce(FETCH_LANES, [...items.keys()].slice(from), download);
  const snapsOf = (index: number) => items[index]?.snaps ?? [];
  const coming = [...items.keys()].slice(from);
  const left = new Map<string, { files: number; bytes: number }>();
  for (const index of coming)
    for (const snap of snapsOf(index)) {
      const { files, bytes } = left.get(snap) ?? { files: 0, bytes: 0 };
      left.set(snap, { files: files + 1, bytes: bytes + (items[index]?.size ?? 0) });
    }
  const snapAfterSnap = [...Map.groupBy(coming, (index) => snapsOf(index)[0]).values()].flat();
  const inTurn = inTurns(LARGE_AT_ONCE);
  // Whoever brings the last file of a snap writes its archive before it brings another: no more files wait for their archives than those of
  // so many snaps, however much is fetched. So they are seldom on the disk before they are removed, and it has the bytes to write once.
  await atOnce(FETCH_LANES, snapAfterSnap, async (index) => {
    await download(index);
    for (const snap of snapsOf(index)) {
      const waiting = left.get(snap);
      if (waiting === undefined || (waiting.files -= 1) > 0) continue;
      await (waiting.bytes < LARGE_BYTES ? write(snap) : inTurn(() => write(snap)));
    }
  });
}

/** The bytes of files together. */
export function bytesOf(files: readonly Pick<FetchItem, 'size'>[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

/**
 * The most bytes that wait for their archives at a time.
 * @param coming files that are to be downloaded
 */
export function bytesWaiting(coming: readonly FetchItem[], asTheyCome: boolean): number {
  if (!asTheyCome) return bytesOf(coming);
  const bySnap = Map.groupBy(coming, ({ snaps: [first] }) => first);
  const snaps = [...bySnap.values()].map((files) => ({ size: bytesOf(files) }));
  return bytesOf(snaps.toSorted((one, other) => other.size - one.size).slice(0, FETCH_LANES));
}
