import { Context } from '@temporalio/activity';
import { rm } from 'node:fs/promises';
import { appendAct, type BlobStore, type Database } from '../storage/index.ts';
import type {
  ImportInput,
  ImportOutcome,
  ImportPlan,
  ImportSlice,
  ImportStart,
  ImportUnpacked,
  RemovalInput,
  RemovalOutcome,
  RollBackInput,
  RollBackOutcome,
} from '../workflows/import-contract.ts';
import { awaitedSnaps } from './imports/unpushed-snaps.ts';
import { crashPoint } from './crash-point.ts';
import { withHeartbeats } from './heartbeats.ts';
import { commitContent, identityOf, keyNames, planContent } from './imports/commit.ts';
import { newBytes, planOf } from './imports/plan.ts';
import { loadContent, revisionsOf, type ImportContent } from './imports/content.ts';
import { filesOf, requirePresent } from './imports/files.ts';
import { checkOrigin } from './imports/origin.ts';
import { importSummary } from './imports/records.ts';
import { removeRevisions } from './imports/undo/removal.ts';
import { checkContent } from './imports/rules.ts';
import { previewContent, stageImport, stagingFolderOf } from './imports/staging.ts';
import { verifySlice } from './imports/verify.ts';
import { rollBack } from './imports/undo/roll-back.ts';

/** What imports need from the host. */
export interface ImportDeps {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly now: () => Date;
  /** Tells a registration that its account-key is here; does nothing when none waits. */
  readonly accountKeyPushed: (keyId: string) => Promise<void>;
}

/** The activities of a push: each may be repeated, and leaves nothing half done. */
export function createImportActivities(deps: ImportDeps) {
  const { database, blobs } = deps;
  const folderOf = (input: ImportInput) => stagingFolderOf(blobs, input.digest);

  return {
    /** Refuses early what can be refused early, and ends early what was done before. */
    async beginImport(input: ImportInput): Promise<ImportStart> {
      const earlier = await earlierImport(database, input);
      const content = await previewContent(input);
      if (content === undefined)
        return earlier?.kind === 'account-keys' ? standing(earlier) : { done: null, bytes: 0 };
      await checkOrigin(database.queries, content, input);
      await checkContent(database.queries, content);
      await requirePresent(blobs, content);
      if (earlier !== undefined && (await stillStands(deps, input, content)))
        return standing({ ...earlier, awaited: await awaitedSnaps(database.queries, content) });
      return { done: null, bytes: bytesOf(content) };
    },

    /** Unpacks, with every digest checked, into the staging folder. Heartbeats tell the bytes that passed. */
    async unpackImport(input: ImportInput): Promise<ImportUnpacked> {
      crashPoint('import-before-stage');
      const content = await withHeartbeats((signal, report) =>
        stageImport(input, {
          queries: database.queries,
          blobs,
          now: deps.now(),
          signal,
          onBytes: (bytes) => report({ bytes }),
        }),
      );
      crashPoint('import-after-stage');
      return { revisions: revisionsOf(content).length };
    },

    /** Verifies a share of the revisions: signatures to a root, then what each file says of itself. */
    async verifyImport(input: ImportInput, slice: ImportSlice): Promise<void> {
      const folder = folderOf(input);
      const content = await loadContent(folder);
      await withHeartbeats((signal, report) =>
        verifySlice(folder, content, slice, {
          queries: database.queries,
          blobs,
          now: deps.now(),
          signal,
          onRevision: (snaps) => report({ snaps }),
        }),
      );
    },

    /** One transaction that makes everything visible. A repeat of the same run finds what it did. */
    async commitImport(input: ImportInput): Promise<ImportOutcome> {
      const runId = runIdOf();
      const done = await importSummary(database.queries, input.digest, runId);
      if (done !== undefined) return done;
      const folder = folderOf(input);
      const content = await loadContent(folder);
      crashPoint('import-before-commit');
      const { outcome, assertions } = await withHeartbeats(() =>
        commitContent(input, folder, content, { database, blobs, now: deps.now(), runId }),
      );
      crashPoint('import-after-commit');
      for (const { keyId } of keyNames(assertions)) await deps.accountKeyPushed(keyId);
      return outcome;
    },

    /** Removes the staging folder of an import that is over. */
    async closeImport(input: ImportInput): Promise<void> {
      await rm(folderOf(input), { recursive: true, force: true });
    },

    /** Leaves nothing of a refused import but an entry in the log. */
    async abandonImport(
      input: ImportInput,
      reason: { readonly code: string; readonly message: string },
    ): Promise<void> {
      await rm(folderOf(input), { recursive: true, force: true });
      await database.transaction((queries) =>
        appendAct(queries, {
          at: deps.now(),
          actor: input.actor,
          act: 'import.refuse',
          subject: input.digest,
          details: { import: input.kind, file: input.path.split('/').at(-1) ?? '', ...reason },
        }),
      );
    },

    /** What a push would change, or why it would be refused; changes nothing. Heartbeats tell the bytes of a pair that were read. */
    async planImport(input: ImportInput): Promise<ImportPlan> {
      const { attempt } = Context.current().info;
      return withHeartbeats(async (signal, report) => {
        const earlier = await earlierImport(database, input);
        const parts = { database, blobs, now: deps.now(), runId: runIdOf(), attempt };
        const onBytes = (bytes: number) => report({ bytes });
        return planOf(input, earlier !== undefined, { ...parts, signal, onBytes });
      });
    },

    /** Puts back what was there before the newest import or removal, or before the one asked for. */
    rollBackImport(asked: string | RollBackInput): Promise<RollBackOutcome> {
      const parts = { database, blobs, now: deps.now(), runId: runIdOf() };
      return withHeartbeats(() => rollBack(rollBackInput(asked), parts));
    },

    /** Removes revisions, or tells which would go. */
    removeSnaps(input: RemovalInput): Promise<RemovalOutcome> {
      const parts = { database, blobs, now: deps.now(), runId: runIdOf() };
      return withHeartbeats(() => removeRevisions(input, parts));
    },
  };
}

/** The type that workflows see. */
export type ImportActivities = ReturnType<typeof createImportActivities>;

/** The run of the workflow that asked. */
function runIdOf(): string {
  return Context.current().info.workflowExecution?.runId ?? '';
}

/** One that was asked for before there was a choice names the actor alone, and means the newest. */
function rollBackInput(asked: string | RollBackInput): RollBackInput {
  return typeof asked === 'string' ? { to: null, dryRun: false, actor: asked } : asked;
}

/** An import of the very file, untouched since: its content needs not be read again to know what it says. */
async function earlierImport(database: Database, input: ImportInput): Promise<ImportOutcome | undefined> {
  const identity = await identityOf(input);
  return importSummary(database.queries, input.digest, undefined, identity);
}

/** What a push ends with that has nothing to do any more. */
function standing(earlier: ImportOutcome): ImportStart {
  const snaps = earlier.snaps.map((snap) => ({ ...snap, new: false, channelsMoved: false }));
  const changes = { new: 0, updated: 0, removed: 0 };
  return { done: { ...earlier, unchanged: true, snaps, accountKeys: [], exporterPinned: false, changes } };
}

/**
 * Whether everything that a file says is still so: nothing of it was removed, lost or overridden since it was imported. Told by
 * the code that would change it, which finds nothing to change.
 */
async function stillStands(
  { database, blobs, now }: ImportDeps,
  input: ImportInput,
  content: ImportContent,
): Promise<boolean> {
  const { items } = await planContent(input, content, [], { database, blobs, now: now() });
  return items.length === 0 && (await newBytes(blobs, content)) === 0;
}

function bytesOf(content: ImportContent): number {
  return filesOf(content).reduce((sum, { size, leftOut }) => sum + (leftOut ? 0 : size), 0);
}
