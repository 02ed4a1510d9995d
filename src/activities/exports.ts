import { fileNames } from '../bundles/index.ts';
import type {
  ExportOutcome,
  ExportedFile,
  ExportedToken,
  SnapsExport,
  StoreExport,
} from '../workflows/export-contract.ts';
import { crashPoint } from './crash-point.ts';
import {
  bytesOf,
  exporterSigner,
  leftOutOf,
  writeArchive,
  type ArchiveOptions,
  type SnapMaterial,
} from './export-archive.ts';
import { AssertionCloser } from './export-assertions.ts';
import { knownThere } from './export-basis.ts';
import { closureWarnings, snapMaterial } from './export-catalog.ts';
import { ExportError } from './export-errors.ts';
import { makeExportFolder } from './export-folder.ts';
import {
  exportedRevisions,
  issueAdminToken,
  withdrawAdminToken,
  writeStoreExport,
  type ExportDeps,
} from './export-store.ts';
import { withHeartbeats } from './heartbeats.ts';
import { GENERAL_STORE } from '../brands/index.ts';

export type { ExportDeps } from './export-store.ts';

/** The activities of an export; `at` is the moment that names the files, so that a repeat writes the same ones. */
export function createExportActivities(deps: ExportDeps) {
  return {
    /** Issues the admin token that goes beside a store's archive. */
    issueExportToken(input: StoreExport, at: string): Promise<ExportedToken> {
      return issueAdminToken(input, new Date(at), deps);
    },

    /** Revokes the token of an export that failed, and removes its file. */
    withdrawExportToken: (token: ExportedToken, actor: string): Promise<void> =>
      withdrawAdminToken(token, actor, deps),

    /** Writes a store's archive. */
    async writeStoreExport(input: StoreExport, at: string, token: ExportedToken): Promise<ExportOutcome> {
      crashPoint('export-before-archive');
      const outcome = await withHeartbeats((signal, report) =>
        writeStoreExport(input, new Date(at), token, deps, {
          signal,
          onProgress: (bytes, total) => report({ bytes, total }),
        }),
      );
      crashPoint('export-after-archive');
      return outcome;
    },

    /** Writes one archive for each snap. */
    writeSnapExports(input: SnapsExport, at: string): Promise<ExportOutcome> {
      return withHeartbeats((signal, report) =>
        writeSnaps(input, new Date(at), deps, {
          signal,
          onProgress: (bytes, total) => report({ bytes, total }),
        }),
      );
    },
  };
}

/** The type that workflows see. */
export type ExportActivities = ReturnType<typeof createExportActivities>;

async function writeSnaps(
  input: SnapsExport,
  at: Date,
  deps: ExportDeps,
  { signal, onProgress }: ArchiveOptions,
): Promise<ExportOutcome> {
  const { queries } = deps.database;
  const closer = new AssertionCloser(queries);
  const known = await knownThere(input.basis, input, queries);
  const parts = { queries, blobs: deps.blobs, closer, known };
  const signer = await exporterSigner(deps.settings, at);
  const folder = await makeExportFolder(input.exportDir, deps.exportFolder);
  const chosen: { readonly storeId: string; readonly material: SnapMaterial }[] = [];
  for (const name of new Set([...input.names, ...input.packages.map((one) => one.name)])) {
    const row = await queries
      .selectFrom('Snap')
      .select(['snapId', 'storeId'])
      .where('name', '=', name)
      .executeTakeFirst();
    if (
      row === undefined ||
      (input.store !== null && row.storeId !== input.store && row.storeId !== GENERAL_STORE)
    )
      throw new ExportError(
        'snap-unknown',
        `cannot export snap ${name}: there is none of that name${input.store === null ? '' : ` in store ${input.store}`}`,
      );
    const revisions = input.packages.filter((one) => one.name === name).map(({ revision }) => revision);
    const selection = { ...input, ...(revisions.length > 0 ? { revisions } : {}) };
    const material = await snapMaterial(parts, row.snapId, selection, true);
    if (material === undefined)
      throw new ExportError(
        'nothing-to-export',
        `cannot export snap ${name}: nothing is in the chosen channels and architectures`,
      );
    chosen.push({ storeId: row.storeId, material });
  }
  const snaps = chosen.map(({ material }) => material);
  const total = bytesOf(snaps);
  const files: ExportedFile[] = [];
  let before = 0;
  for (const { storeId, material } of chosen) {
    const { name } = material.snap;
    const done = before;
    const written = await writeArchive(
      { folder, nameAt: (time) => fileNames.snapBundle(name, time), at },
      {
        kind: 'snap',
        store: storeId === GENERAL_STORE ? null : storeId,
        createdAt: at,
        complete: false,
        stores: [],
        admin: null,
        streams: new Map(),
        snaps: [material],
        rest: known?.rest,
      },
      signer,
      { ...(signal && { signal }), onProgress: (bytes) => onProgress?.(done + bytes, total) },
    );
    files.push({ subject: name, path: written.path, size: written.size });
    before += bytesOf([material]);
  }
  return {
    files,
    tokenFile: null,
    snaps: exportedRevisions(snaps),
    accountKeys: [],
    warnings: await closureWarnings(queries, snaps),
    ...(known && { leftOut: leftOutOf(snaps) }),
  };
}
