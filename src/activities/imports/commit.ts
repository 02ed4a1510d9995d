import { readFile } from 'node:fs/promises';
import { text, type Assertion } from '../../assertions/index.ts';
import { fileIdentity } from '../../bundles/index.ts';
import { AirlockError } from '../../errors.ts';
import {
  appendAct,
  holdLocks,
  raiseGeneration,
  withLock,
  type BlobStore,
  type Database,
  type Queries,
} from '../../storage/index.ts';
import type { ImportInput, ImportOutcome } from '../../workflows/import-contract.ts';
import { awaitedSnaps } from './unpushed-snaps.ts';
import { adoptBlobs, digestsOf, dropUnused, requireStored } from './blobs.ts';
import { ImportChanges } from './changes.ts';
import { allAssertions, revisionsOf, type ImportContent } from './content.ts';
import { filesOf, requirePresent } from './files.ts';
import { FILES_LOCK, IMPORTS_LOCK } from './locks.ts';
import { checkOrigin } from './origin.ts';
import { writeRows } from './rows.ts';
import { checkContent } from './rules.ts';
import { emptyUndo } from './undo/undo.ts';
import { snapYamlFile } from './verify.ts';

/** What the commit needs from the host. */
export interface CommitParts {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly now: Date;
  /** Tells this run of the workflow from any other: a repeat of the same commit finds its own record. */
  readonly runId: string;
}

/** What a commit did, and the keys that others may wait for. */
export interface Committed {
  readonly outcome: ImportOutcome;
  readonly assertions: readonly Assertion[];
}

/**
 * Makes a verified import visible at once: blobs are taken over first, then one transaction writes every row and raises the
 * catalog's generation. When the transaction is refused, the blobs that it would have needed go again.
 */
export async function commitContent(
  input: ImportInput,
  folder: string,
  content: ImportContent,
  parts: CommitParts,
): Promise<Committed> {
  const assertions = await allAssertions(folder, content);
  const yamls = new Map<string, string>();
  for (const { revision } of revisionsOf(content))
    yamls.set(revision.digest, await readFile(snapYamlFile(folder, revision.digest), 'utf8'));
  const identity = await identityOf(input);
  await requirePresent(parts.blobs, content);
  const adopted = await adoptBlobs(folder, content, parts);
  try {
    const outcome = await withLock(parts.database, FILES_LOCK, async () => {
      await requireStored(parts.blobs, digestsOf(content));
      return parts.database.transaction(async (queries) => {
        await holdLocks(queries, parts.database.kind, [IMPORTS_LOCK]);
        return writeAll(queries, input, content, { assertions, yamls, identity }, parts);
      });
    });
    return { outcome, assertions };
  } catch (error) {
    if (error instanceof AirlockError) await dropUnused(parts.database, parts.blobs, adopted);
    throw error;
  }
}

/**
 * Runs the rows of an import in a transaction that is given up at its end: what it would change, by the very code that changes it.
 *
 * @param assertions those that were verified, where there are any before the file is unpacked
 * @param claims store assertions that come with the file, whether anybody verified them or not
 */
export async function planContent(
  input: ImportInput,
  content: ImportContent,
  assertions: readonly Assertion[],
  parts: Omit<CommitParts, 'runId'>,
  claims = assertions,
): Promise<ImportChanges> {
  const planned: { changes?: ImportChanges } = {};
  await requirePresent(parts.blobs, content);
  try {
    await parts.database.transaction(async (queries) => {
      await checkOrigin(queries, content, input);
      await checkContent(queries, content);
      const changes = new ImportChanges(queries, emptyUndo(), parts.now);
      await writeRows(changes, content, assertions, new Map(), claims);
      for (const file of filesOf(content))
        if (file.leftOut)
          changes.note('unchanged', 'revision', file.subject, 'its file is here and does not come along');
      planned.changes = changes;
      throw new PlanMade();
    });
  } catch (error) {
    if (!(error instanceof PlanMade)) throw error;
  }
  if (planned.changes === undefined) throw new TypeError('internal error: a plan without changes');
  return planned.changes;
}

/** Gives up a transaction on purpose. */
class PlanMade extends Error {}

/** The identity of the file as it was verified, with the options that it was pushed with. */
export async function identityOf(input: ImportInput): Promise<string> {
  const files = [await fileIdentity(input.path)];
  if (input.assertions !== null) files.push(await fileIdentity(input.assertions));
  return [...files, input.pushChannelMap ? 'map' : '', input.channels.join(',')].join('|').slice(0, 255);
}

interface Prepared {
  readonly assertions: readonly Assertion[];
  readonly yamls: ReadonlyMap<string, string>;
  readonly identity: string;
}

async function writeAll(
  queries: Queries,
  input: ImportInput,
  content: ImportContent,
  prepared: Prepared,
  parts: CommitParts,
): Promise<ImportOutcome> {
  const pinned = await checkOrigin(queries, content, input);
  await checkContent(queries, content);
  const undo = emptyUndo();
  const changes = new ImportChanges(queries, undo, parts.now);
  const snaps = await writeRows(changes, content, prepared.assertions, prepared.yamls);
  const outcome: ImportOutcome = {
    kind: content.kind,
    digest: content.digest,
    store: content.store,
    exporter: content.exporter?.fingerprint ?? null,
    unchanged: changes.items.length === 0,
    snaps,
    stores: content.stores.map(({ id }) => id),
    accountKeys: undo.assertions
      .filter(({ type }) => type === 'account-key')
      .map(({ primaryKey }) => primaryKey),
    admin: content.admin && { accountId: content.admin.accountId, email: content.admin.email },
    exporterPinned: pinned,
    awaited: await awaitedSnaps(queries, content),
    changes: changes.counts(),
  };
  await record(changes, input, content, outcome, prepared.identity, parts.runId);
  return outcome;
}

async function record(
  changes: ImportChanges,
  input: ImportInput,
  content: ImportContent,
  outcome: ImportOutcome,
  identity: string,
  runId: string,
): Promise<void> {
  const { queries, at } = changes;
  if (outcome.unchanged) {
    await queries
      .updateTable('ImportRecord')
      .set({ fileIdentity: identity })
      .where('digest', '=', content.digest)
      .where('outcome', '=', 'imported')
      .execute();
    return;
  }
  await queries
    .insertInto('ImportRecord')
    .values({
      digest: content.digest,
      kind: content.kind === 'snap-pair' ? 'snap' : content.kind,
      storeId: content.store,
      fileName: input.path.split('/').at(-1)?.slice(0, 255) ?? '',
      fileIdentity: identity,
      exporterFingerprint: content.exporter?.fingerprint ?? null,
      exportedAt: content.exportedAt,
      importedAt: at,
      outcome: 'imported',
      summary: { runId, outcome },
      undo: changes.undo,
      undoneBy: null,
    })
    .execute();
  await raiseGeneration(queries, 'catalog');
  await appendAct(queries, {
    at: new Date(at),
    actor: input.actor,
    act: `${content.kind === 'store' || content.kind === 'store-metadata' ? 'store' : content.kind}.import`,
    subject: content.store ?? content.digest,
    details: { digest: content.digest, exporter: outcome.exporter, changes: outcome.changes },
  });
}

/** The account-keys among assertions, with the names that registering workflows wait under. */
export function keyNames(assertions: readonly Assertion[]): readonly { keyId: string; accountId: string }[] {
  return assertions
    .filter(({ type }) => type === 'account-key')
    .map((one) => ({ keyId: text(one, 'public-key-sha3-384'), accountId: text(one, 'account-id') }));
}
