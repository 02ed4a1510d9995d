import type { Tracing } from '../../telemetry/index.ts';
import type { Answering } from '../front.ts';
import { methodOf, pathOf, resourceOf, routeOf } from './resources.ts';

/**
 * Each request is a trace, but for those of whoever watches the host. It says method, route pattern and status; paths, queries,
 * headers and bodies may hold what nobody else should see. It ends when the answer begins: a download takes as long as it likes.
 */
export function traced(answer: Answering['fetch'], tracing: Tracing): Answering['fetch'] {
  if (!tracing.on) return answer;
  return (request, bindings) => {
    const path = pathOf(request);
    if (resourceOf(path) === 'health') return answer(request, bindings);
    const method = methodOf(request);
    const route = routeOf(path);
    return tracing.span(
      `${method} ${route}`,
      async (span) => {
        const response = await answer(request, bindings);
        span.say({ 'http.response.status_code': response.status });
        return response;
      },
      { under: null, kind: 'server', facts: { 'http.request.method': method, 'http.route': route } },
    );
  };
}
