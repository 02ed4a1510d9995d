import { proxyActivities, uuid4 } from '@temporalio/workflow';

import type { AuthorityActivities } from '../activities/authority.ts';
import type { AuthoritySigningActivities } from '../activities/authority-signing.ts';
import type { InitAuthorityInput, IssueInput, Issued } from './authority-contract.ts';
import { commit, keyGeneration, QUEUES, signing } from './options.ts';

const { prepareAuthority } = proxyActivities<AuthorityActivities>({ taskQueue: QUEUES.airlock, ...commit });
const { makeAuthorityKey } = proxyActivities<AuthoritySigningActivities>(keyGeneration);
const { issueAssertion } = proxyActivities<AuthoritySigningActivities>({ taskQueue: QUEUES.hsm, ...signing });

/**
 * Makes this host an authority: two keys on its own HSM, its account and the root key signed by the root key itself, the
 * store key vouched for by root. A repeat finds each part that is there and makes the rest.
 */
export async function initAuthority(
  init: InitAuthorityInput,
): Promise<{ readonly issued: readonly Issued[] }> {
  const keyIds = { root: hexId(), store: hexId() };
  await prepareAuthority({ init, keyIds, at: now() });
  await makeAuthorityKey({ name: 'root' });
  await makeAuthorityKey({ name: 'store' });
  const actor = 'operator';
  const requests = [
    { kind: 'account', accountId: init.accountId },
    { kind: 'authority-key', name: 'root' },
    { kind: 'authority-key', name: 'store' },
  ] as const;
  const issued: Issued[] = [];
  for (const request of requests) issued.push(await issueAssertion({ request, actor, at: now() }));
  return { issued };
}

/** Signs statements one after the other, each once: what a request of the API needs to be signed. */
export async function issueAssertions({ actor, requests }: IssueInput): Promise<readonly Issued[]> {
  const issued: Issued[] = [];
  for (const request of requests) issued.push(await issueAssertion({ request, actor, at: now() }));
  return issued;
}

/** The workflow's own time: the same in every replay, so that a repeated step signs the same bytes. */
function now(): string {
  return new Date().toISOString();
}

function hexId(): string {
  return uuid4().replaceAll('-', '');
}
