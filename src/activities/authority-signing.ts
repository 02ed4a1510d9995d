import { signAssertion } from '../assertions/index.ts';
import { AirlockError } from '../errors.ts';
import type { TokenFinder } from '../hsm/index.ts';
import { authorityAccountId } from '../storage/authority/index.ts';
import { addAssertions, appendAct, raiseGeneration, type Database } from '../storage/index.ts';
import type { Issued, IssueRequest } from '../workflows/authority-contract.ts';
import { planIssue } from './authority/issues.ts';
import { makeAuthorityKey } from './authority/keys.ts';
import { authoritySigner, type AuthorityKeyName } from './authority/signer.ts';
import { withHeartbeats } from './heartbeats.ts';

/** What the activities of the `hsm` queue are given. */
export interface AuthoritySigningDeps {
  readonly database: Database;
  readonly tokens: TokenFinder;
}

/** The authority's activities that need its keys; they run where the HSM is. */
export function createAuthoritySigningActivities(deps: AuthoritySigningDeps) {
  return {
    /** Makes one of the authority's keys unless it is there. May take minutes; a repeat finds what the first one made. */
    async makeAuthorityKey(input: { readonly name: AuthorityKeyName }): Promise<{ readonly keyId: string }> {
      return withHeartbeats(() => makeAuthorityKey(deps, input.name));
    },

    /**
     * Signs one statement and stores it, with its entry in the log, in one transaction. A repeat of the same request
     * finds the statement and changes nothing.
     */
    async issueAssertion(input: {
      readonly request: IssueRequest;
      readonly actor: string;
      readonly at: string;
    }): Promise<Issued> {
      return issueAssertion(deps, input);
    },
  };
}

/** The type that workflows see. */
export type AuthoritySigningActivities = ReturnType<typeof createAuthoritySigningActivities>;

async function issueAssertion(
  { database, tokens }: AuthoritySigningDeps,
  input: { readonly request: IssueRequest; readonly actor: string; readonly at: string },
): Promise<Issued> {
  const { queries } = database;
  const at = new Date(input.at);
  const planned = await planIssue(queries, input.request);
  const { type, primaryKey, current } = planned;
  if (!planned.draft) return { type, primaryKey, revision: current?.revision ?? 0, changed: false };
  const revision = current ? current.revision + 1 : 0;
  const authorityId = await authorityAccountId(queries);
  const signer = await authoritySigner(queries, tokens, keyFor(input.request, authorityId));
  const signed = await signAssertion(planned.draft({ authorityId, revision, at }), signer, at);
  await database.transaction(async (transaction) => {
    const trusted = isRootStatement(input.request, authorityId);
    const added = await addAssertions(transaction, [signed], { at, trusted });
    if (added === 0) throw overtaken(type);
    await appendAct(transaction, {
      at,
      actor: input.actor,
      act: 'assertion.issue',
      subject: [type, ...primaryKey].join('/'),
      details: { revision, statement: input.request.kind },
    });
    await raiseGeneration(transaction, 'catalog');
    if (input.request.kind === 'account-key-revocation') await raiseGeneration(transaction, 'revocations');
  });
  return { type, primaryKey, revision, changed: true };
}

/** Root speaks for itself and for the store key; the store key for all else, so that root can lie in a safe. */
function keyFor(request: IssueRequest, authorityId: string): AuthorityKeyName {
  if (request.kind === 'authority-key') return 'root';
  return request.kind === 'account' && request.accountId === authorityId ? 'root' : 'store';
}

function isRootStatement(request: IssueRequest, authorityId: string): boolean {
  if (request.kind === 'authority-key') return request.name === 'root';
  return request.kind === 'account' && request.accountId === authorityId;
}

/** Retried: the next attempt plans on top of what the other one stored. */
function overtaken(type: string): AirlockError {
  const sentence = `cannot store the new ${type}: another change came first; it is tried again`;
  return new AirlockError('unavailable', 'issue-overtaken', sentence);
}
