import { Hono } from 'hono';

import { allowListRoutes } from './allow-list.ts';
import { apiKeyRoutes } from './api-keys.ts';
import { approvalRoutes } from './approvals.ts';
import { blockRoutes } from './blocks.ts';
import { brandRoutes } from './brand.ts';
import { enrolmentRoutes } from './enrolment.ts';
import {
  authenticated,
  errorAnswer,
  gatewayHeaders,
  notFound,
  ofBrand,
  type AdminApiDeps,
  type AdminEnv,
} from './gateway.ts';
import { keyRegistrationRoutes } from './key-registration.ts';
import { keyRotationRoutes } from './key-rotation.ts';
import { modelSecretRoutes } from './model-secrets.ts';
import { modelRoutes } from './models.ts';
import { policiesInForceRoutes } from './policies-in-force.ts';
import { remodelAllowlistRoutes } from './remodel-allowlist.ts';
import { replacementRoutes } from './replacements.ts';
import { serialHistoryRoutes } from './serial-history.ts';
import { serialLogRoutes } from './serial-log.ts';
import { serialVaultRoutes } from './serial-vault.ts';
import { serialPolicyRoutes } from './serial-policies.ts';
import { signingKeyRoutes } from './signing-keys.ts';
import { tokenRoutes } from './tokens.ts';
import { voucherRoutes } from './vouchers.ts';

export type { AdminApiDeps, TokenStanding } from './gateway.ts';
export { modelServiceProcesses } from './processes.ts';

/**
 * The admin API of the Model Service as the documented publisher gateway offers it (protocol/operators.md 2.4), and what
 * Airlock has besides. Paths begin with `/v1/`; mount it at the root and below `/publishergw`.
 */
export function createAdminApi(deps: AdminApiDeps): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>();
  app.use(gatewayHeaders);
  app.onError((error) => errorAnswer(deps, error));
  app.notFound((c) => errorAnswer(deps, notFound(`a resource at ${c.req.path}`)));
  app.route('/v1/tokens', tokenRoutes(deps));
  app.use('/v1/brand/:brand/*', authenticated(deps), ofBrand(deps));
  app.route('/v1/brand/:brand', brandRoutes(deps));
  app.route('/v1/brand/:brand/model', modelRoutes(deps));
  app.route('/v1/brand/:brand/model/:model', serialLogRoutes(deps));
  app.route('/v1/brand/:brand/model/:model', serialHistoryRoutes(deps));
  app.route('/v1/brand/:brand/model/:model', enrolmentRoutes(deps));
  app.route('/v1/brand/:brand/model/:model', modelSecretRoutes(deps));
  app.route('/v1/brand/:brand/model/:model/replacements', replacementRoutes(deps));
  app.route('/v1/brand/:brand/model/:model/serial_policy', serialPolicyRoutes(deps));
  app.route('/v1/brand/:brand/model/:model/api-keys', apiKeyRoutes(deps));
  app.route('/v1/brand/:brand/model/:model/allow-list', allowListRoutes(deps));
  app.route('/v1/brand/:brand/model/:model/approvals', approvalRoutes(deps));
  app.route('/v1/brand/:brand/serial_policy', policiesInForceRoutes(deps));
  app.route('/v1/brand/:brand/signing_key', signingKeyRoutes(deps));
  app.route('/v1/brand/:brand/signing_key', keyRegistrationRoutes(deps));
  app.route('/v1/brand/:brand/signing_key', keyRotationRoutes(deps));
  app.route('/v1/brand/:brand/remodel-allowlist', remodelAllowlistRoutes(deps));
  app.route('/v1/brand/:brand/blocks', blockRoutes(deps));
  app.route('/v1/brand/:brand/vouchers', voucherRoutes(deps));
  app.route('/v1/brand/:brand/serial-vault', serialVaultRoutes(deps));
  return app;
}
