import { activityInfo } from '@temporalio/activity';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { METADATA_ENCODING_KEY, type Headers } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { TraceParent, Tracing } from '../telemetry/index.ts';
import { TRACE_HEADER } from '../workflows/trace-context.ts';

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** Each start of a workflow is a span, and the workflow carries along where it was started from. */
export function traceStarts(tracing: Tracing): WorkflowClientInterceptor {
  return {
    startWithDetails: (input, next) =>
      tracing.span(
        `start ${input.workflowType}`,
        () => next({ ...input, headers: { ...input.headers, ...headersFor(tracing.here()) } }),
        {
          kind: 'producer',
          facts: { 'temporal.workflow.id': input.options.workflowId },
        },
      ),
  };
}

/** Each step is a span below the one that started its workflow; one that a schedule started has a trace of its own. */
export function traceActivities(tracing: Tracing): ActivityInterceptorsFactory {
  return () => ({
    inbound: {
      execute: (input, next) => {
        const info = activityInfo();
        return tracing.span(info.activityType, () => next(input), {
          under: parentIn(input.headers) ?? null,
          kind: 'consumer',
          facts: {
            'temporal.workflow.id': info.workflowExecution?.workflowId ?? '',
            'temporal.workflow.type': info.workflowType ?? '',
            'temporal.attempt': info.attempt,
          },
        });
      },
    },
  });
}

/** A payload in the form of the default converter, so that Temporal UI can show it. It says nothing, so it is not sealed. */
function headersFor(here: TraceParent | undefined): Headers {
  if (here === undefined) return {};
  const metadata = { [METADATA_ENCODING_KEY]: utf8.encode('json/plain') };
  return { [TRACE_HEADER]: { metadata, data: utf8.encode(JSON.stringify(here)) } };
}

function parentIn(headers: Headers): TraceParent | undefined {
  const data = headers[TRACE_HEADER]?.data;
  return data ? text.decode(data).replaceAll('"', '') : undefined;
}
