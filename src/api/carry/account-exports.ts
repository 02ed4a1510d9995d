import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import { z } from 'zod';
import { errorOfFailure } from '../../activities/errors.ts';
import { AirlockError } from '../../errors.ts';
import {
  EXPORTED,
  EXPORT_FETCHED,
  type AccountExport,
  type ExportOutcome,
} from '../../workflows/export-contract.ts';
import { QUEUES } from '../../workflows/options.ts';
import { about } from '../../workflows/search-attributes.ts';
import { Processes, type ProcessDeps } from '../ops/processes.ts';

/** Exports of one account that run or wait to be fetched: each takes the room of a store on the disk. */
const PLACES = ['1', '2'] as const;
/** Between two questions whether all is there. */
const PAUSE_MS = 250;
const QUERY_MS = 1_000;
/** How long who wants a file waits until a worker tells whether it is there. */
const FILES_MS = 20_000;
/** How long who ends an export waits until its files are gone. */
const END_MS = 10_000;
/** A place, and which of the exports that had it: Temporal's id of the run. */
const ID = /^([12])-([0-9a-f-]{36})$/;

/** Who asked for an export, and for what; whoever wants to see it must be the same. */
export interface ExportOwner {
  readonly accountId: string;
  /** The very log-in: a copy that was narrowed is another one. */
  readonly macaroon: string;
  readonly store: string;
}

const memoSchema = z.object({
  login: z.string(),
  store: z.string(),
  kind: z.enum(['store', 'snaps']),
  asked: z.string(),
});
type Memo = z.output<typeof memoSchema>;
// Of our own workflow, to which no one else answers.
const outcomeSchema = z.custom<ExportOutcome>((value) => typeof value === 'object' && value !== null);

/** Exports that accounts ask an authority for: each is a process that keeps its files until they were fetched. */
export class AccountExports {
  readonly #deps: ProcessDeps;
  readonly #processes: Processes;

  constructor(deps: ProcessDeps) {
    this.#deps = deps;
    this.#processes = new Processes(deps);
  }

  /**
   * Starts an export, or joins the one that the same log-in asked for in the same words and did not fetch yet.
   * @param wish what was asked for, as it came
   * @throws AirlockError `exports-too-many`
   */
  async start(owner: ExportOwner, wish: unknown, input: AccountExport) {
    const memo: Memo = {
      login: digestOf(owner.macaroon),
      store: owner.store,
      kind: input.wish.kind,
      asked: digestOf(JSON.stringify([owner.store, wish])),
    };
    const taken = new Set<string>();
    for (const place of PLACES) {
      const found = await this.#describe(placeId(owner.accountId, place));
      if (found?.status.name !== 'RUNNING') continue;
      taken.add(place);
      const its = memoSchema.parse(found.memo);
      if (its.login === memo.login && its.asked === memo.asked)
        return { id: `${place}-${found.runId}`, joined: true, startedAt: found.startTime.toISOString() };
    }
    for (const place of PLACES) {
      if (taken.has(place)) continue;
      const runId = await this.#begin(placeId(owner.accountId, place), input, memo);
      if (runId !== undefined) return { id: `${place}-${runId}`, joined: false, startedAt: input.wish.at };
    }
    throw new AirlockError(
      'conflict',
      'exports-too-many',
      `cannot export: ${PLACES.length} exports of this account run, or wait to be fetched; repeat the commands that began them, or wait until they are removed, a day after they were made`,
    );
  }

  /**
   * How an export is, after waiting at most `waitMs` for it.
   * @throws AirlockError `export-unknown`, also for one that somebody else began, or that was fetched
   */
  async look(owner: ExportOwner, id: string, waitMs: number) {
    const { workflowId, runId } = await this.#own(owner, id);
    const until = Date.now() + waitMs;
    let outcome = await this.#outcome(workflowId, runId);
    while (outcome === undefined && Date.now() < until) {
      if ((await this.#describe(workflowId, runId))?.status.name !== 'RUNNING') break;
      await sleep(PAUSE_MS);
      outcome = await this.#outcome(workflowId, runId);
    }
    const found = await this.#processes.look(workflowId, 0, runId);
    if (found.status === 'completed') throw unknownExport(id);
    const { type: _type, ui: _ui, ...shown } = found;
    const isThere = found.status === 'running' && outcome !== undefined;
    return {
      ...shown,
      workflowId: id,
      ...(isThere && { status: 'completed' as const, progress: null, waiting: null }),
      result: isThere ? (outcome ?? null) : null,
    };
  }

  /**
   * Which files an export has; none until all of it is there.
   * @throws AirlockError `export-silent` while no worker can tell
   */
  async files(owner: ExportOwner, id: string): Promise<ExportOutcome | undefined> {
    const { workflowId, runId } = await this.#own(owner, id);
    return this.#query(workflowId, runId, FILES_MS);
  }

  /** What kind of an export it is, so that it can be asked whether its owner may still have it. */
  async kindOf(owner: ExportOwner, id: string): Promise<Memo['kind']> {
    return (await this.#own(owner, id)).kind;
  }

  /** Ends an export: its files were fetched, or nobody wants them any more. */
  async end(owner: ExportOwner, id: string): Promise<void> {
    const { workflowId, runId } = await this.#own(owner, id);
    try {
      await this.#deps.client.workflow.getHandle(workflowId, runId).signal(EXPORT_FETCHED);
      // So that its place is free for who asks next; a worker that is away does it later.
      await this.#processes.look(workflowId, END_MS, runId);
    } catch (error) {
      // Over already: that is what was wanted.
      if (!(error instanceof WorkflowNotFoundError)) throw errorOfFailure(error);
    }
  }

  async #begin(workflowId: string, input: AccountExport, memo: Memo): Promise<string | undefined> {
    try {
      const handle = await this.#deps.client.workflow.start('exportForAccount', {
        workflowId,
        taskQueue: QUEUES.airlock,
        args: [input],
        memo: { ...memo },
        typedSearchAttributes: about({ store: memo.store }),
        workflowIdConflictPolicy: 'FAIL',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      });
      return handle.firstExecutionRunId;
    } catch (error) {
      // Another request of the account was quicker.
      if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
      throw errorOfFailure(error);
    }
  }

  async #own({ accountId, macaroon, store }: ExportOwner, id: string) {
    const [, place = '', runId = ''] = ID.exec(id) ?? [];
    const workflowId = placeId(accountId, place);
    const found = runId === '' ? undefined : await this.#describe(workflowId, runId);
    const memo = memoSchema.safeParse(found?.memo);
    if (!memo.success || memo.data.login !== digestOf(macaroon) || memo.data.store !== store)
      throw unknownExport(id);
    return { workflowId, runId, kind: memo.data.kind };
  }

  async #describe(workflowId: string, runId?: string): Promise<WorkflowExecutionDescription | undefined> {
    try {
      return await this.#deps.client.workflow.getHandle(workflowId, runId).describe();
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw errorOfFailure(error);
    }
  }

  /** What was exported, as far as a worker tells at once. */
  async #outcome(workflowId: string, runId: string): Promise<ExportOutcome | undefined> {
    return this.#query(workflowId, runId, QUERY_MS).catch(() => undefined);
  }

  async #query(workflowId: string, runId: string, waitMs: number): Promise<ExportOutcome | undefined> {
    const { client } = this.#deps;
    const handle = client.workflow.getHandle(workflowId, runId);
    try {
      const answer: unknown = await client.connection.withDeadline(Date.now() + waitMs, () =>
        handle.query(EXPORTED),
      );
      return outcomeSchema.safeParse(answer).data;
    } catch (cause) {
      throw new AirlockError(
        'unavailable',
        'export-silent',
        'cannot tell which files the export has: no worker answers now; ask again later',
        { cause },
      );
    }
  }
}

function placeId(accountId: string, place: string): string {
  return `account-export/${accountId}/${place}`;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** One sentence for all: nobody learns that another has an export. */
export function unknownExport(id: string): AirlockError {
  return new AirlockError(
    'not-found',
    'export-unknown',
    `cannot find the export ${JSON.stringify(id.slice(0, 80))}: this log-in began none of that name, or its files were fetched or removed; export again`,
  );
}
