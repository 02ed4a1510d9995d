/** What a search looks at, prepared once for each snap. */
export interface SearchEntry {
  readonly snapId: string;
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly text: string;
  readonly publisher: string;
}

/** Prepares a snap for `rank`. */
export function searchEntry(snap: {
  readonly snapId: string;
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly description: string;
  readonly publisher: string;
}): SearchEntry {
  return {
    snapId: snap.snapId,
    name: snap.name.toLowerCase(),
    title: snap.title.toLowerCase(),
    summary: snap.summary.toLowerCase(),
    text: snap.description.slice(0, 4096).toLowerCase(),
    publisher: snap.publisher.toLowerCase(),
  };
}

const WORDS_MAX = 8;

/** The words of a query, lower case: at most eight count. */
export function searchWords(query: string): string[] {
  return query.toLowerCase().split(/\s+/).filter(Boolean).slice(0, WORDS_MAX);
}

/**
 * How well a snap answers the words, 0 for not at all: every word must occur somewhere. A name that is the query comes
 * first, then names that begin with it, then names, titles, publishers, summaries and descriptions that contain it.
 */
export function rank(entry: SearchEntry, words: readonly string[]): number {
  let total = 0;
  for (const word of words) {
    const score = rankWord(entry, word);
    if (score === 0) return 0;
    total += score;
  }
  return total;
}

function rankWord(entry: SearchEntry, word: string): number {
  if (entry.name === word) return 100;
  if (entry.name.startsWith(word)) return 60;
  if (entry.name.includes(word)) return 40;
  if (entry.title.includes(word)) return 30;
  if (entry.publisher === word) return 25;
  if (entry.summary.includes(word)) return 15;
  return entry.text.includes(word) ? 5 : 0;
}
