import { Hono } from 'hono';
import { z } from 'zod';

import { deriveClaim, parseEnrolmentPolicy, parseSerialNumber } from '../../devices/index.ts';
import { modelSecretSalt, touchModel } from '../../storage/model-service/index.ts';
import { jsonBody, view, type AdminApiDeps, type AdminApp, type AdminEnv } from './gateway.ts';
import { change, modelOfPath } from './model-lookup.ts';

const labels = z.object({ serials: z.array(z.string()).min(1).max(10_000) });
/**
 * Below `/v1/brand/{brand}/model/{model}`: who may enrol (`enrolment`), and the codes that go with it (`claims`).
 */
export function enrolmentRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();

  app.get('/enrolment', view('get_enrolment'), async (c) => {
    const model = await modelOfPath(deps, c);
    return c.json(parseEnrolmentPolicy(model.enrolment));
  });

  app.put('/enrolment', view('update_enrolment'), async (c) => {
    const { brandId, name } = await modelOfPath(deps, c);
    const policy = parseEnrolmentPolicy(await jsonBody(c, z.unknown()));
    await change(
      deps,
      c,
      { act: 'enrolment.change', subject: `${brandId}/${name}`, details: policy },
      (tx, at) => touchModel(tx, { brandId, name }, { by: c.get('actor'), at, enrolment: policy }),
    );
    return c.json(policy);
  });

  app.post('/claims', view('derive_claims'), async (c) => {
    const { brandId, name } = await modelOfPath(deps, c);
    const { serials } = await jsonBody(c, labels);
    const salt = await modelSecretSalt(deps.database.queries, { brandId, modelName: name, kind: 'claims' });
    const secret = deps.secrets.claims(brandId, name, salt);
    const claims = serials.map((text) => {
      const label = parseSerialNumber(text);
      return { serial: label, 'claim-code': deriveClaim(secret, { brandId, model: name, label }) };
    });
    await change(
      deps,
      c,
      { act: 'claims.derive', subject: `${brandId}/${name}`, details: { count: claims.length } },
      async () => undefined,
    );
    return c.json({ claims });
  });

  return app;
}
