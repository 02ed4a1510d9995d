import type { WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter, type Payload, type PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { z } from 'zod';
import { ERROR_KINDS } from '../../errors.ts';

/** What the steps that are under way tell of themselves. */
export interface PendingSteps {
  /** How far they are, summed up. */
  readonly done: number | undefined;
  /** Of a step that knows the whole better than its workflow. */
  readonly total: number | undefined;
  /** Why none of them gets on: the part that is away, as the last failure or a step itself says, and the attempt that comes or runs. */
  readonly waiting: Waiting | null;
}

/** A step that is tried again, or waits, because a part does not answer. */
export interface Waiting {
  readonly code: string;
  readonly message: string;
  readonly attempt: number;
}

type Description = { readonly raw: Pick<WorkflowExecutionDescription['raw'], 'pendingActivities'> };
type Pending = NonNullable<Description['raw']['pendingActivities']>[number];

const { PENDING_ACTIVITY_STATE_STARTED: STARTED } = proto.temporal.api.enums.v1.PendingActivityState;
const heartbeatSchema = z.object({
  bytes: z.number().optional(),
  snaps: z.number().optional(),
  total: z.number().optional(),
  awaiting: z.string().optional(),
});
/** What a step says of itself that runs and has no answer yet. */
const SILENT = 'upstream-silent';
const commonSchema = z.object({ message: z.string() });
const detailsSchema = z.object({ kind: z.enum(ERROR_KINDS) });

/** Reads the pending activities of a workflow: heartbeats and last failures, which are sealed as all payloads are. */
export async function pendingSteps(
  found: Description,
  codecs: readonly PayloadCodec[],
): Promise<PendingSteps> {
  const open = (payload: Payload) => opened(payload, codecs);
  let done: number | undefined;
  let total: number | undefined;
  let waiting: Waiting | null = null;
  let running = false;
  for (const step of found.raw.pendingActivities ?? []) {
    const [payload] = step.heartbeatDetails?.payloads ?? [];
    const beat = payload && heartbeatSchema.safeParse(await open(payload));
    if (beat?.success) {
      done = (done ?? 0) + (beat.data.bytes ?? beat.data.snaps ?? 0);
      total ??= beat.data.total;
    }
    waiting ??= await waitingOf(step, open);
    if (step.state !== STARTED) continue;
    const message = beat?.data?.awaiting;
    // An attempt that runs may get through: many steps say nothing until they are done.
    if (message === undefined) running = true;
    else waiting ??= { code: SILENT, message, attempt: step.attempt ?? 1 };
  }
  return { done, total, waiting: running ? null : waiting };
}

async function waitingOf(
  { attempt, lastFailure }: Pending,
  open: (payload: Payload) => Promise<unknown>,
): Promise<Waiting | null> {
  const info = lastFailure?.applicationFailureInfo;
  const [payload] = info?.details?.payloads ?? [];
  const details = payload && detailsSchema.safeParse(await open(payload));
  if (!details?.success || details.data.kind !== 'unavailable') return null;
  const common = lastFailure?.encodedAttributes
    ? commonSchema.safeParse(await open(lastFailure.encodedAttributes)).data
    : undefined;
  const message = common?.message ?? lastFailure?.message ?? '';
  return { code: info?.type ?? '', message, attempt: attempt ?? 1 };
}

async function opened(payload: Payload, codecs: readonly PayloadCodec[]): Promise<unknown> {
  let payloads = [payload];
  for (const codec of [...codecs].toReversed()) payloads = await codec.decode(payloads);
  const [plain] = payloads;
  return plain && defaultPayloadConverter.fromPayload(plain);
}
