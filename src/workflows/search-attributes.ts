/** What a process is about, so that it is found in Temporal's UI: names that are no secret. The same names as in temporal.yaml. */
import { SearchAttributeType, defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';

const KEYS = {
  brand: defineSearchAttributeKey('Brand', SearchAttributeType.KEYWORD),
  store: defineSearchAttributeKey('Store', SearchAttributeType.KEYWORD),
  model: defineSearchAttributeKey('Model', SearchAttributeType.KEYWORD),
  snap: defineSearchAttributeKey('Snap', SearchAttributeType.KEYWORD),
  serial: defineSearchAttributeKey('Serial', SearchAttributeType.KEYWORD),
} as const;

/** Subjects of a process; what is undefined is left out. */
export type Subject = { readonly [name in keyof typeof KEYS]?: string | undefined };

/** For `typedSearchAttributes` when a workflow is started. */
export function about(subject: Subject): SearchAttributePair[] {
  return (['brand', 'store', 'model', 'snap', 'serial'] as const).flatMap((name) => {
    const value = subject[name];
    return value === undefined ? [] : [{ key: KEYS[name], value }];
  });
}
