/** In what order a fetch brings its files: rules of its workflow that the steps themselves ask as well. */
import { atOnce, inTurns } from '../at-once.ts';
import type { FetchItem, FetchSnapsInput } from './fetch-contract.ts';

/** Downloads at a time: one waits while another has the network. */
export const FETCH_LANES = 4;
/** Archives written at a time: else files of one size would come together, and then be written together while nothing comes. */
const WRITTEN_AT_ONCE = 2;

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
  const coming = [...items.keys()].slice(from);
  if (write === undefined) return atOnce(FETCH_LANES, coming, download);
  const snapsOf = (index: number) => items[index]?.snaps ?? [];
  const left = new Map<string, number>();
  for (const snap of coming.flatMap(snapsOf)) left.set(snap, (left.get(snap) ?? 0) + 1);
  const snapBySnap = [...Map.groupBy(coming, (index) => snapsOf(index)[0]).values()].flat();
  // Whoever brings the last file of a snap writes its archive before it brings another: no more files wait for their archives than those of
  // so many snaps, however much is fetched. So they are seldom on the disk before they are removed, and it has the bytes to write once.
  const inTurn = inTurns(WRITTEN_AT_ONCE);
  await atOnce(FETCH_LANES, snapBySnap, async (index) => {
    await download(index);
    for (const snap of snapsOf(index)) {
      const waits = (left.get(snap) ?? 0) - 1;
      left.set(snap, waits);
      if (waits === 0) await inTurn(() => write(snap));
    }
  });
}

/**
 * The most bytes that wait for their archives at a time.
 * @param coming files that are to be downloaded
 */
export function bytesWaiting(coming: readonly FetchItem[], asTheyCome: boolean): number {
  if (!asTheyCome) return coming.reduce((sum, { size }) => sum + size, 0);
  const bySnap = Map.groupBy(coming, ({ snaps: [first] }) => first);
  const sizes = [...bySnap.values()].map((files) => files.reduce((sum, { size }) => sum + size, 0));
  return sizes
    .toSorted((one, other) => other - one)
    .slice(0, FETCH_LANES)
    .reduce((sum, size) => sum + size, 0);
}
