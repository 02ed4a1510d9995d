/**
 * Carries a workflow's place in its trace on to the steps that it asks for. It only copies a header, so what a workflow does is
 * the same with and without traces. The bundler finds it by name: it is no workflow.
 */
import type { Headers } from '@temporalio/common';
import type { WorkflowInterceptorsFactory } from '@temporalio/workflow';

/** The header, in W3C's form. */
export const TRACE_HEADER = 'traceparent';

/** One for each run of a workflow. */
export const interceptors: WorkflowInterceptorsFactory = () => {
  let carried: Headers = {};
  const withCarried = <Input extends { readonly headers: Headers }>(input: Input): Input => ({
    ...input,
    headers: { ...input.headers, ...carried },
  });
  return {
    inbound: [
      {
        execute(input, next) {
          const place = input.headers[TRACE_HEADER];
          if (place !== undefined) carried = { [TRACE_HEADER]: place };
          return next(input);
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next(withCarried(input)),
        scheduleLocalActivity: (input, next) => next(withCarried(input)),
      },
    ],
  };
};
