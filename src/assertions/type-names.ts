/** Every assertion type that we know (protocol/devices.md 7), in the order of its families. */
export const ASSERTION_TYPE_NAMES = [
  'account',
  'account-key',
  'account-key-request',
  'store',
  'system-user',
  'model',
  'preseed',
  'serial',
  'serial-request',
  'device-session-request',
  'hardware-identity',
  'base-declaration',
  'snap-declaration',
  'snap-build',
  'snap-revision',
  'snap-developer',
  'snap-resource-revision',
  'snap-resource-pair',
  'validation',
  'validation-set',
  'repair',
  'cluster',
  'confdb-schema',
  'confdb-control',
  'request-message',
  'response-message',
] as const;

/** Name of a known assertion type. */
export type AssertionTypeName = (typeof ASSERTION_TYPE_NAMES)[number];

const KNOWN: ReadonlySet<string> = new Set(ASSERTION_TYPE_NAMES);

/** Whether the text names a known assertion type. */
export function isAssertionTypeName(name: string): name is AssertionTypeName {
  return KNOWN.has(name);
}
