import { setTimeout as sleep } from 'node:timers/promises';
import type { DataConverter } from '@temporalio/common';
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import type { QueueName, TemporalConfig } from '../config/index.ts';
import type { Log, Tracing } from '../telemetry/index.ts';
import { ensureNamespace } from './namespace.ts';
import { traceActivities } from './trace-interceptors.ts';
import { workflowBundle } from './workflow-bundle.ts';

/** What the workers of one process are made from. */
export interface WorkersOptions {
  readonly config: TemporalConfig;
  readonly connection: NativeConnection;
  readonly dataConverter: DataConverter;
  /** The queues to serve, each with its activities (wrapped by `withFailures`). */
  readonly activities: Readonly<Partial<Record<QueueName, object>>>;
  readonly log: Log;
  readonly tracing?: Tracing;
  /** Path of the workflows' bundle; made when not given. */
  readonly bundle?: string;
}

/** How one queue is doing, in Temporal's words: RUNNING, DRAINING, FAILED … */
export interface WorkerState {
  readonly queue: QueueName;
  readonly state: string;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** A heartbeat that follows another sooner waits so long, milliseconds. */
const HEARTBEAT_THROTTLE_MS = 2_000;

/** Starts a worker for each queue that has activities. They run until `stop`; one that fails is started again. */
export async function startWorkers(options: WorkersOptions): Promise<Workers> {
  await ensureNamespace(options.connection, options.config, options.log);
  const codePath = options.bundle ?? (await workflowBundle());
  const workers = new Workers();
  for (const name of ['airlock', 'transfer', 'hsm'] as const) {
    const activities = options.activities[name];
    if (activities === undefined) continue;
    const recipe = workerOptions(options, name, activities, codePath);
    await workers.add(name, () => Worker.create(recipe), options.log.child({ part: 'worker', queue: name }));
  }
  return workers;
}

/** The running workers of one process; see `startWorkers`. */
export class Workers {
  readonly #current = new Map<QueueName, Worker>();
  readonly #runs: Promise<void>[] = [];
  readonly #stop = new AbortController();

  /** Creates the first worker of a queue, and keeps one running from then on. */
  async add(queue: QueueName, create: () => Promise<Worker>, log: Log): Promise<void> {
    const first = await create();
    this.#runs.push(this.#keepRunning(queue, first, create, log));
  }

  /** How every queue is doing, for a health check. */
  states(): readonly WorkerState[] {
    return [...this.#current].map(([queue, worker]) => ({ queue, state: worker.getState() }));
  }

  /** True when every queue is served. */
  healthy(): boolean {
    return this.states().every(({ state }) => state === 'RUNNING');
  }

  /** Takes on nothing new, lets what is in flight finish within the configured grace, and returns when all is still. */
  async stop(): Promise<void> {
    this.#stop.abort();
    for (const worker of this.#current.values()) if (worker.getState() === 'RUNNING') worker.shutdown();
    await Promise.all(this.#runs);
  }

  async #keepRunning(
    queue: QueueName,
    first: Worker,
    create: () => Promise<Worker>,
    log: Log,
  ): Promise<void> {
    let pause = FIRST_PAUSE_MS;
    for (let next: Worker | undefined = first; !this.#stop.signal.aborted;) {
      try {
        next ??= await create();
        this.#current.set(queue, next);
        await next.run();
        return;
      } catch (error) {
        next = undefined;
        if (this.#stop.signal.aborted) return;
        log.error({ error, again_in_ms: pause }, 'a worker failed and is started again');
        await sleep(pause, undefined, { signal: this.#stop.signal }).catch(() => undefined);
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      }
    }
  }
}

function workerOptions(
  { config, connection, dataConverter, tracing }: WorkersOptions,
  name: QueueName,
  activities: object,
  codePath: string,
): WorkerOptions {
  const queue = config.taskQueues[name];
  const { cache, shutdown } = config.worker;
  const polls = (most: number) =>
    ({ type: 'autoscaling', minimum: 1, initial: 1, maximum: Math.max(most, 1) }) as const;
  return {
    connection,
    namespace: config.env.local.namespace,
    taskQueue: queue.name,
    dataConverter,
    activities,
    ...(tracing?.on === true && { interceptors: { activity: [traceActivities(tracing)] } }),
    activityTaskPollerBehavior: polls(queue.activities),
    // Bars and cancellations rest on heartbeats: the default holds them back for most of their timeout.
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
    maxConcurrentActivityTaskExecutions: queue.activities,
    maxConcurrentLocalActivityExecutions: queue.localActivities,
    shutdownGraceTime: shutdown.graceMs,
    shutdownForceTime: shutdown.forceMs,
    ...(queue.workflowTasks > 0 && {
      workflowBundle: { codePath },
      maxConcurrentWorkflowTaskExecutions: queue.workflowTasks,
      workflowTaskPollerBehavior: polls(queue.workflowTasks),
      maxCachedWorkflows: cache.workflows,
      stickyQueueScheduleToStartTimeout: cache.stickyTimeoutMs,
    }),
  };
}
