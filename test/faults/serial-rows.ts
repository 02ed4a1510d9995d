import { expect } from 'vitest';
import { decodeAssertion, verifySignature, type Assertion } from '../../src/assertions/index.ts';
import type { Queries } from '../../src/storage/index.ts';
import { countSignatures, listPermits } from '../../src/storage/model-service/index.ts';
import type { Closing } from './key-reference.ts';
import { headersIn, type Ground } from './serial-ground.ts';
import type { SerialPromises } from './serial-promises.ts';
import type { Draft, SerialReference } from './serial-reference.ts';
import { hexOf, signatureIn } from './witness.ts';

const CLOSINGS: readonly Closing[] = ['key-revoked', 'key-expired', 'key-deleted'];

/** The promises that were closed, in order, as the history has them. */
export async function closedPromises(queries: Queries) {
  const rows = await queries
    .selectFrom('SerialHistory')
    .select(['modelName as model', 'serial', 'reason'])
    .where('reason', 'in', CLOSINGS)
    .where('serialAssertion', 'is', null)
    .orderBy('id')
    .execute();
  return rows.flatMap((row) =>
    CLOSINGS.filter((one) => one === row.reason).map((reason) => ({ ...row, reason })),
  );
}

/** Compares all that the database says in the end with the reference, and the log with what the HSM signed. */
export async function checkRows(
  ground: Ground,
  reference: SerialReference,
  promises: SerialPromises,
): Promise<void> {
  const { queries } = ground.rig.database;
  const contentOf = (draft: Draft) => ground.headersOf(draft);
  const present = (await queries.selectFrom('SerialIntent').selectAll().execute()).map((row) => ({
    ...row,
    assertion: row.serialAssertion && decodeAssertion(row.serialAssertion),
  }));
  // One serial for each device of a model, one device for each serial, signed unless closed, and each of them the very one.
  expect(new Set(present.map((row) => `${row.modelName} ${row.serial}`)).size).toBe(present.length);
  expect(new Set(present.map((row) => `${row.modelName} ${row.deviceKeyId}`)).size).toBe(present.length);
  expect(
    present
      .map(({ assertion, ...row }) => ({
        row: [row.modelName, row.serial, row.deviceKeyId, row.signKeyId],
        signed: row.signedAt !== null,
        closed: row.closedReason,
        says: assertion && headersIn(assertion),
      }))
      .toSorted(bySerial),
  ).toEqual(
    reference.places
      .map(({ draft, signed, closed = null }) => ({
        row: rowOf(draft),
        signed,
        closed,
        says: signed ? contentOf(draft) : null,
      }))
      .toSorted(bySerial),
  );

  const past = (await queries.selectFrom('SerialHistory').selectAll().orderBy('id').execute()).map((row) => ({
    ...row,
    assertion: row.serialAssertion && decodeAssertion(row.serialAssertion),
  }));
  expect(
    past.map(({ assertion, ...row }) => ({
      row: [row.modelName, row.serial, row.deviceKeyId, row.signKeyId],
      reason: row.reason,
      promised: row.createdAt,
      says: assertion && headersIn(assertion),
    })),
  ).toEqual(
    reference.history.map(({ draft, signed, reason }) => ({
      row: rowOf(draft),
      reason,
      promised: new Date(draft.at * 1000).toISOString(),
      says: signed ? contentOf(draft) : null,
    })),
  );

  checkLog(
    ground,
    [...present, ...past].flatMap(({ assertion }) => assertion ?? []),
    reference,
    promises,
  );
  for (const { keyId } of ground.keys.filter((key) => !reference.keys.isDeleted(key.keyId))) {
    const counter = queries.selectFrom('SigningKey').select('signatures').where('keyId', '=', keyId);
    const { signatures } = await counter.executeTakeFirstOrThrow();
    expect(await countSignatures(queries, keyId)).toBe(signatures);
  }

  const { brandId } = ground;
  const permits = await Promise.all(
    [...reference.keyInForce.keys()].map((modelName) => listPermits(queries, { brandId, modelName })),
  );
  expect(
    permits
      .flat()
      .toSorted((one, other) => one.id - other.id)
      .map(({ modelName, serial, usedBy }) => [modelName, serial, usedBy]),
  ).toEqual(reference.permits.map(({ model, serial, usedBy }) => [model, serial, usedBy ?? null]));
  const spent = await queries.selectFrom('SpentRequestId').select(['requestId', 'deviceKeyId']).execute();
  expect(new Map(spent.map((row) => [row.requestId, row.deviceKeyId]))).toEqual(reference.spent);
  const blocks = await queries.selectFrom('Block').select(['kind', 'subject']).execute();
  expect(new Set(blocks.map(({ kind, subject }) => `${kind} ${subject}`))).toEqual(reference.blocks);
  const acts = await queries.selectFrom('AuditEntry').select(['act', 'subject']).orderBy('id').execute();
  expect(acts.map(({ act, subject }) => `${act} ${subject.replace(`${brandId}/`, '')}`)).toEqual(
    reference.acts,
  );
}

/**
 * The log has nothing but what the HSM made, and all of it; but where no host came to know of a signature and no device can get it,
 * the promise that it was of.
 */
function checkLog(
  ground: Ground,
  log: readonly Assertion[],
  reference: SerialReference,
  { witnessed, stored }: SerialPromises,
): void {
  for (const assertion of log) {
    const key = ground.keys.find(({ keyId }) => keyId === assertion.signKeyId);
    if (key === undefined) throw new Error('the log has a serial of no key');
    verifySignature(assertion, key);
  }
  const logged = new Set(log.map(signatureIn));
  const made = new Set(witnessed.map(({ signature }) => hexOf(signature)));
  for (const signature of logged) expect(made, 'what the log has was signed by the HSM').toContain(signature);
  for (const { signature, draft } of witnessed) {
    if (logged.has(hexOf(signature))) continue;
    expect(stored.has(draft), 'a host that stores a signature logs it').toBe(false);
    const isGivenUp = reference.history.some((former) => former.draft === draft && !former.signed);
    expect(isGivenUp, 'of what the HSM signed the log has the signature or the promise').toBe(true);
  }
}

function rowOf({ model, serial, board, key }: Draft): string[] {
  return [model, serial, board, key];
}

function bySerial(one: { readonly row: readonly string[] }, other: { readonly row: readonly string[] }) {
  return one.row.join(' ') < other.row.join(' ') ? -1 : 1;
}
