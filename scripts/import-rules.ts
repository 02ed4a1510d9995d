/** Which folder of src/ may import what: the directions of ARCHITECTURE.md as data. `check-imports.ts` holds the code to them. */

/** What the files of one folder may import. A rule for `a/b` goes before one for `a`. */
export interface ImportRule {
  /** Folder below src/, or a file. */
  readonly folder: string;
  /** Folders and files below src/ that it may import besides itself. */
  readonly may: readonly string[];
  /** Packages that it may import; `node:` for Node's own parts. Undefined: any. */
  readonly packages?: readonly string[];
  /** Folders from which types alone may be imported. */
  readonly types?: readonly string[];
  /** Said when the rule is broken. */
  readonly because: string;
}

const PURE = ['assertions', 'snaps', 'devices', 'brands', 'publishers'] as const;

const pure = PURE.map((folder): ImportRule => ({
  folder,
  may: [...PURE, 'errors.ts', 'read-as.ts'],
  // Of Node's own parts those that only compute: digests, text, addresses as numbers.
  packages: ['zod', 'yaml', 'node:crypto', 'node:buffer', 'node:util', 'node:net'],
  because: 'pure folders hold rules alone: no I/O, no other part of the product',
}));

/** Everything below `api`, `cli` and `worker`: what activities and services may use. */
const PERFORMERS = [
  ...PURE,
  'activities',
  'backup',
  'bundles',
  'config',
  'hsm',
  'storage',
  'telemetry',
  'upstream',
  'workflows',
  'errors.ts',
  'read-as.ts',
  'limited-bytes.ts',
  'at-once.ts',
  'folders.ts',
  'file-digest.ts',
  'certificate-fault.ts',
  'system-failures.ts',
] as const;

/** The rules, most particular first. */
export const IMPORT_RULES: readonly ImportRule[] = [
  ...pure,
  { folder: 'errors.ts', may: [], packages: [], because: 'the error type stands alone' },
  { folder: 'read-as.ts', may: [], packages: [], because: 'it reads values, whosever they are' },
  {
    folder: 'folders.ts',
    may: [],
    packages: ['node:fs/promises', 'node:path'],
    because: 'it makes folders, whosever they are',
  },
  {
    folder: 'file-digest.ts',
    may: [],
    packages: ['node:crypto', 'node:fs'],
    because: 'it reads files, whosever they are',
  },
  { folder: 'at-once.ts', may: [], packages: [], because: 'it keeps an order, whatever is done in it' },
  { folder: 'limited-bytes.ts', may: [], packages: [], because: 'it reads streams, whosever they are' },
  {
    folder: 'certificate-fault.ts',
    may: [],
    packages: [],
    because: 'it reads what went wrong with a connection, whosever it is',
  },
  {
    folder: 'system-failures.ts',
    may: ['errors.ts'],
    packages: [],
    because: 'it reads what a disk or a database failed with, whoever used it',
  },
  {
    folder: 'workflows',
    may: ['at-once.ts'],
    packages: ['@temporalio/workflow', '@temporalio/common'],
    types: ['activities', ...PURE, 'errors.ts'],
    because:
      'workflows must be deterministic: their bundle takes only @temporalio/workflow, their own files, what only keeps an order, and types',
  },
  {
    folder: 'bundles',
    may: [...PURE, 'errors.ts', 'read-as.ts', 'system-failures.ts'],
    because: 'bundles know the rules and files, not who uses them',
  },
  {
    folder: 'config',
    may: ['errors.ts', 'folders.ts', 'read-as.ts'],
    because: 'configuration is read by everything, so it depends on nothing',
  },
  {
    folder: 'telemetry',
    may: ['errors.ts'],
    because: 'logs and metrics are used by everything, so they depend on nothing',
  },
  {
    folder: 'hsm',
    may: ['assertions', 'errors.ts', 'telemetry', 'config'],
    because: 'the HSM signs; whose statement it signs is not its business',
  },
  {
    folder: 'storage',
    may: [...PURE, 'errors.ts', 'file-digest.ts', 'system-failures.ts', 'config', 'telemetry'],
    because: 'storage keeps what others decide',
  },
  {
    folder: 'backup',
    may: ['bundles', 'config', 'storage', 'errors.ts', 'folders.ts', 'limited-bytes.ts'],
    because: 'a backup is made from what is kept, whatever it is, and read where nothing runs',
  },
  {
    folder: 'upstream',
    may: [...PURE, 'bundles', 'errors.ts', 'limited-bytes.ts', 'certificate-fault.ts', 'config', 'telemetry'],
    because: 'a client of another store knows the protocol, not what becomes of the answers',
  },
  {
    folder: 'activities',
    may: PERFORMERS,
    because: 'nothing imports api, cli or worker',
  },
  {
    folder: 'worker',
    may: PERFORMERS,
    because: 'nothing imports api or cli',
  },
  {
    folder: 'api',
    may: PERFORMERS.filter((folder) => folder !== 'hsm'),
    because: 'the API reaches the HSM only through workflows, and nothing imports cli or worker',
  },
  {
    folder: 'appliance',
    may: [...PERFORMERS, 'api', 'worker'],
    because: 'it puts the parts together; only the commands that start it know it',
  },
  {
    folder: 'cli/airlock',
    may: [
      'cli',
      'appliance',
      'backup',
      'bundles',
      'config',
      'telemetry',
      ...PURE,
      'errors.ts',
      'folders.ts',
      'file-digest.ts',
      'system-failures.ts',
    ],
    because: 'commands that start the parts leave the putting together to appliance',
  },
  {
    folder: 'cli',
    may: [
      ...PURE,
      'errors.ts',
      'read-as.ts',
      'folders.ts',
      'certificate-fault.ts',
      'system-failures.ts',
      'backup',
      'config',
      'telemetry',
      'bundles',
    ],
    types: ['api'],
    because: 'commands speak HTTP or Temporal, never to the HSM or the database',
  },
];

/** Folders of which only the public face (index.ts) is imported from outside, so that insides can change. */
export const FACES: readonly string[] = ['hsm', 'telemetry'];
