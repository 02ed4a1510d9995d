import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleOptions,
  type ScheduleOptionsStartWorkflowAction,
} from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import type { QueueName, TemporalConfig } from '../config/index.ts';

/** Work that comes round by itself. */
export interface Recurring {
  /** Name under `schedules.everySeconds` in temporal.yaml, and the schedule's id in Temporal. */
  readonly name: string;
  /** The workflow's name; its id is the schedule's name with the time. */
  readonly workflow: string;
  readonly queue: QueueName;
  readonly args?: readonly unknown[];
}

/**
 * Makes Temporal's schedules be what the configuration says, whatever they were: each runs every so many seconds, never
 * twice at once, and is removed when its time is 0 or absent. Several processes may do so at once.
 */
export async function ensureSchedules(
  client: Client,
  config: TemporalConfig,
  recurring: readonly Recurring[],
): Promise<void> {
  for (const one of recurring) {
    const seconds = config.schedules.everySeconds[one.name] ?? 0;
    if (seconds === 0) await remove(client, one.name);
    else await put(client, config, one, seconds);
  }
}

type Content = Omit<ScheduleOptions<ScheduleOptionsStartWorkflowAction<Workflow>>, 'scheduleId' | 'state'>;

async function put(client: Client, config: TemporalConfig, one: Recurring, seconds: number): Promise<void> {
  const content: Content = {
    spec: { intervals: [{ every: seconds * 1000 }] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1m' },
    action: {
      type: 'startWorkflow',
      workflowType: one.workflow,
      workflowId: one.name,
      taskQueue: config.taskQueues[one.queue].name,
      args: [...(one.args ?? [])],
    },
  };
  try {
    await client.schedule.create({ scheduleId: one.name, ...content });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    // What an operator paused stays paused.
    await client.schedule.getHandle(one.name).update(({ state }) => ({ ...content, state }));
  }
}

async function remove(client: Client, scheduleId: string): Promise<void> {
  try {
    await client.schedule.getHandle(scheduleId).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}
