import { activityInfo, heartbeat } from '@temporalio/activity';

import {
  decodeAssertion,
  formatTimestamp,
  publicKeyFromRsa,
  signAssertion,
  boundHeaders,
  isSameBounds,
  type Assertion,
  type KeyBounds,
} from '../assertions/index.ts';
import { isAccountKeyOf, openPgpFingerprint } from '../devices/index.ts';
import { DEFAULT_TOKEN } from '../config/index.ts';
import { AirlockError } from '../errors.ts';
import { HsmError, parseHsmKeyId, type Hsm, type TokenFinder } from '../hsm/index.ts';
import {
  addAssertions,
  appendAct,
  findAssertion,
  raiseGeneration,
  type Database,
  type Queries,
} from '../storage/index.ts';
import {
  completeSigningKey,
  endPoliciesOfKey,
  findSigningKey,
  noteRegistrationRequest,
  removeSigningKey,
  reserveSigningKey,
  type SigningKeyRecord,
} from '../storage/model-service/index.ts';
import type { CreatedSigningKey } from '../workflows/serials-contract.ts';
import { endlessWhileAway } from './errors.ts';
import { crashPoint } from './crash-point.ts';
import { requireDeletable } from './signing-keys/deletion.ts';
import { movePolicies, type PolicyMove } from './signing-keys/rotation.ts';
import { registrationOffline, type SubmitKeyRequest } from './signing-keys/submit-request.ts';

/** What the work on signing keys needs. */
export interface SigningKeyActivityDeps {
  readonly database: Pick<Database, 'kind' | 'queries' | 'transaction'>;
  readonly tokens: TokenFinder<Pick<Hsm, 'findKey' | 'generateKey' | 'sign' | 'deleteKey'>>;
  readonly clock: () => Date;
  /** Absent on a host without a route to such a store. */
  readonly submit?: SubmitKeyRequest;
}

/** The type that workflows see. */
export type SigningKeyActivities = ReturnType<typeof createSigningKeyActivities>;

const HEARTBEAT_MS = 5000;

/** The activities of the queue where the HSM is. */
export function createSigningKeyActivities(deps: SigningKeyActivityDeps) {
  const { database, tokens, clock } = deps;
  return {
    /**
     * Makes a signing key unless its name has one. A name that was reserved before keeps its CKA_ID, and the HSM looks a key up
     * before it makes one, so that no repeat makes a second.
     */
    async makeSigningKey(input: {
      readonly brandId: string;
      readonly name: string;
      readonly actor: string;
      readonly hsmKeyId: string;
      readonly token?: string;
      readonly bounds?: KeyBounds;
    }): Promise<CreatedSigningKey> {
      const createdAt = clock().toISOString();
      const reserved = await reserveSigningKey(database.queries, {
        ...input,
        token: input.token ?? DEFAULT_TOKEN,
        createdAt,
        createdBy: input.actor,
      });
      if (reserved.keyId !== null) return { keyId: reserved.keyId };
      crashPoint('key-before-generate');
      const key = publicKeyFromRsa(
        await withHeartbeats(() =>
          endlessWhileAway(activityInfo().attempt, async () =>
            tokens.of(reserved.token).generateKey(parseHsmKeyId(reserved.hsmKeyId), input.name),
          ),
        ),
      );
      crashPoint('key-after-generate');
      await database.transaction(async (queries) => {
        await completeSigningKey(queries, reserved.hsmKeyId, {
          keyId: key.keyId,
          publicKey: key.encoded,
          fingerprint: openPgpFingerprint(key.encoded),
        });
        await appendAct(queries, {
          at: clock(),
          actor: input.actor,
          act: 'key.create',
          subject: key.keyId,
          details: { brand: input.brandId, name: input.name, token: reserved.token },
        });
        await raiseGeneration(queries, 'settings');
      });
      crashPoint('key-after-commit');
      return { keyId: key.keyId };
    },

    /** Signs the account-key-request of a key with the key itself and stores it. A repeat finds the first one. */
    async signKeyRequest(input: { readonly keyId: string; readonly actor: string }): Promise<void> {
      const key = await requireKey(database.queries, input.keyId);
      if ((await findAssertion(database.queries, 'account-key-request', [input.keyId])) !== undefined) return;
      const request = await makeRequest(deps, key);
      await database.transaction(async (queries) => {
        // First, because it locks the key's row: whoever bounds the key meanwhile is seen below, or finds the request made.
        await noteRegistrationRequest(queries, input.keyId, { at: clock(), actor: input.actor });
        requireSameBounds(key, await requireKey(queries, input.keyId));
        await addAssertions(queries, [request], { at: clock() });
        await appendAct(queries, {
          at: clock(),
          actor: input.actor,
          act: 'key.request-registration',
          subject: input.keyId,
          details: { brand: key.brandId, ...key.bounds },
        });
      });
    },

    /** Hands the stored account-key-request to the store that vouches for the brand's keys. */
    async submitKeyRequest(input: { readonly keyId: string }): Promise<void> {
      if (deps.submit === undefined) throw registrationOffline();
      const kept = await findAssertion(database.queries, 'account-key-request', [input.keyId]);
      if (kept === undefined) throw new TypeError('internal error: the account-key-request is not stored');
      await deps.submit(Buffer.from(kept.bytes).toString('utf8'));
    },

    /** Moves the policies of one key to another once that has its account-key; null until then. See {@link movePolicies}. */
    async moveKeyPolicies(move: PolicyMove): Promise<readonly string[] | null> {
      const outcome = await movePolicies(database, move, clock);
      crashPoint('rotation-after-commit');
      return outcome && outcome.signing;
    },

    /**
     * Forgets a signing key unless a policy uses it, or it has signed or is to be kept until its account-key ends and nobody said that this
     * is known; its account-key and the serials that it signed stay. Repeatable.
     */
    async retireSigningKey(input: {
      readonly keyId: string;
      readonly actor: string;
      readonly hasSigned?: boolean;
      readonly beforeUntil?: boolean;
    }): Promise<void> {
      await database.transaction(async (queries) => {
        const key = await findSigningKey(queries, input.keyId);
        if (key === undefined) return;
        await requireDeletable(queries, key, {
          hasSigned: input.hasSigned ?? false,
          beforeUntil: input.beforeUntil ?? false,
          now: clock(),
        });
        await endPoliciesOfKey(queries, input.keyId, clock());
        await removeSigningKey(queries, key.hsmKeyId);
        await appendAct(queries, {
          at: clock(),
          actor: input.actor,
          act: 'key.delete',
          subject: input.keyId,
          details: {
            brand: key.brandId,
            name: key.name,
            signatures: key.signatures,
            'has-signed': input.hasSigned ?? false,
            'before-until': input.beforeUntil ?? false,
          },
        });
        await raiseGeneration(queries, 'settings');
      });
    },

    /**
     * Removes the key pair from the HSM; no error when it is not there. A token that is not configured any more keeps it:
     * nobody here can reach it.
     */
    async destroySigningKey(input: { readonly hsmKeyId: string; readonly token?: string }): Promise<void> {
      const token = tokenIfThere(tokens, input.token ?? DEFAULT_TOKEN);
      await token?.deleteKey(parseHsmKeyId(input.hsmKeyId));
    },

    /** Whether the account-key of a key is here; the first time this is so is logged. */
    async noteRegistered(input: { readonly keyId: string; readonly actor: string }): Promise<boolean> {
      const { queries } = database;
      const kept = await findAssertion(queries, 'account-key', [input.keyId]);
      if (kept === undefined) return false;
      const key = await findSigningKey(queries, input.keyId);
      const publicKey = key?.publicKey ?? null;
      if (key === undefined || publicKey === null) return false;
      if (!isAccountKeyOf(decodeAssertion(kept.bytes), publicKey)) return false;
      await database.transaction(async (transaction) => {
        await appendAct(transaction, {
          at: clock(),
          actor: input.actor,
          act: 'key.registered',
          subject: input.keyId,
          details: { brand: key.brandId, name: key.name },
        });
        await raiseGeneration(transaction, 'settings');
      });
      return true;
    },
  };
}

/** Somebody may bound the key while the HSM signs; then the request is made anew. */
function requireSameBounds(signed: SigningKeyRecord, now: SigningKeyRecord): void {
  if (isSameBounds(signed.bounds ?? {}, now.bounds ?? {})) return;
  throw new AirlockError(
    'unavailable',
    'signing-key-changed',
    `cannot keep the account-key-request of '${now.name}': its bounds changed meanwhile; it is made anew`,
  );
}

async function requireKey(queries: Queries, keyId: string): Promise<SigningKeyRecord> {
  const key = await findSigningKey(queries, keyId);
  if (key !== undefined) return key;
  throw new AirlockError(
    'not-found',
    'signing-key-unknown',
    `cannot find a signing key ${keyId} on this service`,
  );
}

function tokenIfThere(tokens: SigningKeyActivityDeps['tokens'], name: string) {
  try {
    return tokens.of(name);
  } catch (error) {
    if (error instanceof HsmError && error.code === 'hsm-token-unknown') return undefined;
    throw error;
  }
}

async function makeRequest(
  { tokens, clock }: SigningKeyActivityDeps,
  key: SigningKeyRecord,
): Promise<Assertion> {
  const hsm = tokens.of(key.token);
  const id = parseHsmKeyId(key.hsmKeyId);
  const found = await hsm.findKey(id);
  const publicKey = found && publicKeyFromRsa(found);
  if (publicKey === undefined || publicKey.keyId !== key.keyId) {
    throw new AirlockError(
      'not-found',
      'signing-key-unknown',
      `cannot find the signing key ${key.keyId ?? ''} on the HSM`,
    );
  }
  const now = clock();
  return signAssertion(
    {
      type: 'account-key-request',
      headers: {
        'account-id': key.brandId,
        name: key.name,
        'public-key-sha3-384': publicKey.keyId,
        since: formatTimestamp(now),
        ...boundHeaders(key.bounds ?? {}),
      },
      body: publicKey.encoded,
    },
    { publicKey, signDigest: (sha512) => hsm.sign(id, sha512) },
    now,
  );
}

/** Cards take minutes; heartbeats tell Temporal that the worker lives meanwhile. */
async function withHeartbeats<Result>(work: () => Promise<Result>): Promise<Result> {
  const beat = setInterval(() => heartbeat(), HEARTBEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
  }
}
