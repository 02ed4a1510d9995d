import { Hono } from 'hono';

import { policiesInForce } from '../../storage/model-service/index.ts';
import { people, view, type AdminApiDeps, type AdminApp, type AdminEnv } from './gateway.ts';
import { policyBody } from './serial-policies.ts';

/** `/v1/brand/{brand}/serial_policy`: the policy in force of every model at once, with the name of its key. */
export function policiesInForceRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();
  app.get('/', view('list_serial_policies_in_force'), async (c) => {
    const policies = await policiesInForce(deps.database.queries, c.req.param('brand') ?? '');
    const person = people(deps);
    return c.json(
      await Promise.all(
        policies.map(async ({ authorityId, keyName, ...policy }) => ({
          ...(await policyBody(policy, authorityId, person)),
          'signing-key-name': keyName,
        })),
      ),
    );
  });
  return app;
}
