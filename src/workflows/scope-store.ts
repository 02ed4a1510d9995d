import { proxyActivities } from '@temporalio/workflow';

import type { AuthoritySigningActivities } from '../activities/authority-signing.ts';
import type { Issued, ScopeInput } from './authority-contract.ts';
import { QUEUES, signing } from './options.ts';

const { issueAssertion } = proxyActivities<AuthoritySigningActivities>({ taskQueue: QUEUES.hsm, ...signing });

/**
 * Ties the automatic grants of snaps to stores, or takes that back (seed 002): one new snap-declaration each. A snap that
 * has nothing to change stays at its revision, so an interrupted or repeated run adds nothing twice.
 */
export async function scopeStore({ actor, snapIds, stores, undo }: ScopeInput): Promise<readonly Issued[]> {
  const issued: Issued[] = [];
  for (const snapId of snapIds) {
    const request = { kind: 'scope', snapId, stores, undo } as const;
    issued.push(await issueAssertion({ request, actor, at: new Date().toISOString() }));
  }
  return issued;
}
