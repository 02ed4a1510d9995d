import {
  decodeAssertion,
  hexToSnapSha3,
  keyStanding,
  snapSha3ToHex,
  text,
  type Assertion,
} from '../../assertions/index.ts';
import { z } from 'zod';

import type { BuildPolicy, SnapBuild } from '../../publishers/index.ts';
import { findAssertion } from '../assertion-store.ts';
import type { Queries } from '../database.ts';

const policySchema = z.object({
  requirement: z.enum(['off', 'hold', 'reject']),
  keyIds: z.array(z.string()).optional(),
});

/** The setting under which a snap's snap-build policy is kept, as JSON. */
export function buildPolicySetting(snapId: string): string {
  return `authority.build-policy.${snapId}`;
}

/** What the publisher of a snap demands of its uploads; nothing where nothing was said. */
export async function buildPolicyOf(queries: Queries, snapId: string): Promise<BuildPolicy> {
  const row = await queries
    .selectFrom('Setting')
    .select('value')
    .where('key', '=', buildPolicySetting(snapId))
    .executeTakeFirst();
  if (!row) return { requirement: 'off' };
  const { requirement, keyIds } = policySchema.parse(JSON.parse(row.value));
  return keyIds ? { requirement, keyIds } : { requirement };
}

/** Every snap-build that was accepted for a file, each with the state that its key has now. */
export async function knownBuilds(queries: Queries, snapId: string, sha3_384: string): Promise<SnapBuild[]> {
  const rows = await queries
    .selectFrom('StoredAssertion')
    .select('bytes')
    .where('type', '=', 'snap-build')
    .where('primaryKey', '=', hexToSnapSha3(sha3_384))
    .where('snapId', '=', snapId)
    .orderBy('revision', 'desc')
    .execute();
  return Promise.all(rows.map((row) => describe(queries, decodeAssertion(row.bytes))));
}

async function describe(queries: Queries, build: Assertion): Promise<SnapBuild> {
  const kept = await findAssertion(queries, 'account-key', [build.signKeyId]);
  const key = kept && decodeAssertion(kept.bytes);
  return {
    authorityId: build.authorityId ?? '',
    snapId: text(build, 'snap-id'),
    sha3_384: snapSha3ToHex(text(build, 'snap-sha3-384')),
    size: Number(text(build, 'snap-size')),
    grade: text(build, 'grade') === 'devel' ? 'devel' : 'stable',
    timestamp: new Date(text(build, 'timestamp')),
    keyId: build.signKeyId,
    keyRevoked: !key || keyStanding(key, new Date(text(build, 'timestamp'))) === 'revoked',
  };
}
