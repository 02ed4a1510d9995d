import { z } from 'zod';
import { ARCHITECTURES } from '../../snaps/index.ts';

/*
 * The operator's interface as data: bodies and answers of `/ops/v1`, a file a subject (`*-contract.ts`). Every request carries
 * `Authorization: Bearer TOKEN` with the operator token of the data folder; every refusal is
 * `{"error-list": [{"code", "message"}]}`. Whatever takes long is a workflow: the answer is 202 with its id, and
 * `GET /ops/v1/operations/ID?wait=SECONDS` tells how it goes and, at last, how it ended.
 */

/** A file or folder on the host. */
export const path = z.string().min(1).max(4096);

/** What an operator calls a snap, store, account or channel. */
export const name = z.string().min(1).max(128);

/** One that snaps are made for: a wrong one would silently leave everything out. */
export const architecture = z.enum(ARCHITECTURES, {
  error: `is unknown: it is one of ${ARCHITECTURES.join(', ')}`,
});

/** So many that a whole store fits. */
export const names = z.array(name).max(20_000);

/** An account, by its id. */
export const accountId = z.string().regex(/^[-A-Za-z0-9_]{1,64}$/, 'it is the id of an account');

/** SHA3-384 of a public key, base64url: 48 bytes. */
export const keyId = z.string().regex(/^[\w-]{64}$/, 'it is the SHA3-384 of a key, 64 characters long');
