/** What a process is about, so that it is found in Temporal's UI: names that are no secret. The same names as in temporal.yaml. */
import { SearchAttributeType, defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';

const KEYS = {
  brand: defineSearchAttributeKey('Brand', SearchAttributeType.KEYWORD),
  store: defineSearchAttributeKey('Store', SearchAttributeType.KEYWORD),
  snap: defineSearchAttributeKey('Snap', SearchAttributeType.KEYWORD),
} as const;

const LISTS = {
  models: defineSearchAttributeKey('Models', SearchAttributeType.KEYWORD_LIST),
  serials: defineSearchAttributeKey('Serials', SearchAttributeType.KEYWORD_LIST),
} as const;

/** Temporal's own bound on one attribute is 2 KiB; this leaves room for its quotes and commas. */
const LIST_BYTES = 2000;

/** Subjects of a process; what is undefined is left out. Models are named `<brand>/<model>`. */
export type Subject = { readonly [name in keyof typeof KEYS]?: string | undefined } & {
  readonly [name in keyof typeof LISTS]?: readonly string[] | undefined;
};

/** For `typedSearchAttributes` when a workflow is started. A list names each of its members once, and as many as Temporal takes. */
export function about(subject: Subject): SearchAttributePair[] {
  const single = (['brand', 'store', 'snap'] as const).flatMap((name): SearchAttributePair[] => {
    const value = subject[name];
    return value === undefined ? [] : [{ key: KEYS[name], value }];
  });
  const lists = (['models', 'serials'] as const).flatMap((name): SearchAttributePair[] => {
    const value = fitting(subject[name] ?? []);
    return value.length === 0 ? [] : [{ key: LISTS[name], value }];
  });
  return [...single, ...lists];
}

function fitting(values: readonly string[]): string[] {
  let room = LIST_BYTES;
  return [...new Set(values)].filter((value) => (room -= value.length + 3) >= 0);
}
