/** What temporal.yaml may hold, section by section. A value that the file leaves out has the default written here. */
import { z } from 'zod';

const text = z.string().max(1024);
const host = z.string().min(1).max(255);
const port = z.number().int().min(0).max(65_535);
const slots = z.number().int().min(0).max(1_000);
const milliseconds = z.number().int().min(1).max(3_600_000);

/** Where the server is, under the Temporal CLI's own names. */
const connection = z.strictObject({
  address: z
    .string()
    .regex(/^\S+:\d{1,5}$/, 'must be HOST:PORT')
    .default('127.0.0.1:7233'),
  namespace: z
    .string()
    .regex(/^[a-zA-Z0-9][\w.-]{0,99}$/, 'must be a namespace name')
    .default('airlock'),
  tls: z.boolean().default(false),
  'tls-server-name': text.optional(),
  'tls-ca-path': text.optional(),
  'tls-cert-path': text.optional(),
  'tls-key-path': text.optional(),
  'api-key': text.optional(),
});

/** How much of each kind of work one worker process takes on at once. A queue with no workflow tasks runs activities alone. */
const queue = (name: string, activities: number, localActivities: number, workflowTasks: number) =>
  z
    .strictObject({
      name: z.string().min(1).max(200).default(name),
      activities: slots.min(1).default(activities),
      localActivities: slots.min(1).default(localActivities),
      workflowTasks: slots.refine((count) => count !== 1, 'must be 0 or at least 2').default(workflowTasks),
    })
    .prefault({});

const devServer = z
  .strictObject({
    listen: z
      .strictObject({
        ip: host.default('127.0.0.1'),
        port: port.default(7233),
        uiPort: port.default(8233),
        metricsPort: port.default(0),
      })
      .prefault({}),
    ui: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
    retention: z
      .strictObject({
        hours: z
          .number()
          .int()
          .min(24)
          .max(24 * 365)
          .default(72),
      })
      .prefault({}),
    log: z
      .strictObject({ level: z.enum(['debug', 'info', 'warn', 'error', 'never']).default('warn') })
      .prefault({}),
    sqlite: z.record(z.string(), z.string()).default({ journal_mode: 'wal', synchronous: 'full' }),
    dynamicConfig: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({
      'history.transferProcessorMaxPollRPS': 2000,
      'history.timerProcessorMaxPollRPS': 2000,
      'history.defaultWorkflowTaskTimeout': '4s',
      'history.hostLevelCacheMaxSize': 256,
    }),
  })
  .prefault({});

/** How devices that wait for their serials share workflows. Bounds keep a batch within what Temporal takes in one payload, and one transaction. */
const serials = z
  .strictObject({
    batches: z
      .strictObject({
        lanes: z.number().int().min(1).max(16).default(1),
        size: z.number().int().min(1).max(256).default(64),
        waiting: z.number().int().min(1).max(100_000).default(2_000),
      })
      .prefault({}),
  })
  .prefault({});

const worker = z
  .strictObject({
    cache: z
      .strictObject({
        workflows: z.number().int().min(0).max(10_000).default(50),
        stickyTimeoutMs: milliseconds.default(2_000),
      })
      .prefault({}),
    shutdown: z
      .strictObject({ graceMs: milliseconds.default(10_000), forceMs: milliseconds.default(20_000) })
      .prefault({}),
    metrics: z.strictObject({ address: text.default('') }).prefault({}),
  })
  .prefault({});

const searchAttributeType = z.enum(['Text', 'Keyword', 'Int', 'Double', 'Bool', 'Datetime', 'KeywordList']);

/** The whole file. */
export const temporalFile = z.strictObject({
  env: z.strictObject({ local: connection.prefault({}) }).prefault({}),
  devServer,
  taskQueues: z
    .strictObject({
      airlock: queue('airlock', 8, 8, 8),
      transfer: queue('transfer', 4, 2, 0),
      hsm: queue('hsm', 8, 16, 16),
    })
    .prefault({}),
  serials,
  worker,
  searchAttributes: z
    .strictObject({
      custom: z.record(z.string(), searchAttributeType).default({
        Brand: 'Keyword',
        Store: 'Keyword',
        Snap: 'Keyword',
        Models: 'KeywordList',
        Serials: 'KeywordList',
      }),
    })
    .prefault({}),
  schedules: z
    .strictObject({
      everySeconds: z.record(z.string(), z.number().int().min(0)).default({
        sweepIntents: 60,
        sweepSessions: 3600,
        sweepUploads: 3600,
        sweepDeltas: 60,
        sweepBlobs: 3600,
      }),
    })
    .prefault({}),
});

/** Everything about Temporal, complete. */
export type TemporalConfig = z.infer<typeof temporalFile>;

/** One of the three kinds of work. */
export type QueueName = keyof TemporalConfig['taskQueues'];
