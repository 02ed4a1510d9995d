import { Command } from '@commander-js/extra-typings';

import { backupReminder } from '../backup/reminder.ts';
import type { CliContext } from '../context.ts';
import { DEFAULT_TOKEN } from '../../config/index.ts';
import { operatorClient } from '../operator.ts';
import { storeWords } from '../store-words.ts';
import { note, print, printJson } from '../terminal.ts';
import { status, type Status } from './contract.ts';

/** `status`: the documented lines, then the imported stores and account keys (seed 000); the rest with `--verbose`. */
export function statusCommand(context: CliContext) {
  return new Command('status')
    .description('show how the store is')
    .option('--verbose', 'also HSM, disk, last import, last backup and Temporal UI')
    .option('--json', 'print everything as JSON')
    .action(async (options) => {
      const client = await operatorClient(context);
      const found = await client.request('/ops/v1/status', status);
      if (options.json) return printJson(context.terminal, found);
      for (const line of statusLines(found, options.verbose ?? false)) print(context.terminal, line);
      for (const line of [
        ...databaseNotes(found),
        ...diskNotes(found),
        ...certificateNotes(found, context.now()),
        ...hsmNotes(found),
        ...missingKeyNotes(found),
        ...discrepancyNotes(found),
      ])
        note(context.terminal, line);
      // Without its database a host knows of no backup, and there may be one.
      const reminder =
        found.database === 'unavailable' ? undefined : backupReminder(found.lastBackup, context.now());
      if (reminder !== undefined) note(context.terminal, reminder);
    });
}

/** The lines of `status` (protocol/operators.md, section 1.2). */
export function statusLines(found: Status, verbose: boolean): string[] {
  return [
    `Store URL: ${found.storeUrl}`,
    `Store DB: ${found.database}`,
    ...(found.airgap ? ['Store is in air-gapped mode'] : []),
    `Store ID: ${found.storeId ?? ''}`.trimEnd(),
    ...(found.airgap
      ? []
      : [`Status: ${standing(found)}`, `Connected Devices (updated daily): ${found.devices}`]),
    'Internal Service Status:',
    ...found.services.map(({ name, running, failure }) => {
      const indent = found.airgap ? '  ' : '';
      return `${indent}${name}: ${running ? 'running' : `not running: ${failure ?? 'no reason known'}`}`;
    }),
    ...imported(found),
    ...(verbose ? more(found) : []),
  ];
}

/** Where nobody registers, whatever store this host has is approved; without one there is nothing that could be. */
function standing({ storeId }: Status): string {
  return storeId === null ? 'no store yet (push one, or set internal.store.id)' : 'approved';
}

function databaseNotes({ database }: Status): string[] {
  return database === 'read-only'
    ? ['The database takes no changes: check that it is the primary server and writable.']
    : [];
}

/** What a push leaves free at least. */
const LOW_DISK_BYTES = 64 * 2 ** 20;

function diskNotes({ disk: { free } }: Status): string[] {
  return free > LOW_DISK_BYTES
    ? []
    : [`The disk of the data folder is ${free < 2 ** 20 ? 'full' : 'almost full'}: make room.`];
}

/** Whoever signs certificates may need some weeks for another one. */
const ENDING_MS = 30 * 86_400_000;

function certificateNotes({ certificate }: Status, now: Date): string[] {
  if (!certificate) return [];
  const left = Date.parse(certificate.until) - now.getTime();
  if (left > ENDING_MS) return [];
  const ends = left > 0 ? 'expires' : 'expired';
  return [
    `The certificate for HTTPS ${ends} on ${certificate.until}: import another one by "snap-store-proxy import-certificate".`,
  ];
}

/** What the HSM waits for, if for anything: beside the documented lines, because nothing is signed meanwhile. */
function hsmNotes({ hsmTokens }: Status): string[] {
  return hsmTokens
    .filter(({ state }) => state !== 'ready')
    .map(({ name, state, detail }) => `HSM token "${name}": ${state} (${detail})`);
}

function missingKeyNotes({ missingKeys }: Status): string[] {
  return missingKeys.map(
    ({ brandId, name, keyId, token, models }) =>
      `Signing key "${name}" of ${brandId} (${keyId}) is not on the HSM token "${token}": serials of ${models.join(', ')} wait for it. Bring back the token that holds it, or put another key in the serial policies.`,
  );
}

function discrepancyNotes({ signatureDiscrepancies }: Status): string[] {
  return signatureDiscrepancies.map(
    ({ brandId, name, counted, inLog }) =>
      `Signing key "${name}" of ${brandId}: ${counted} signatures counted, ${inLog} in the serial log. Compare with a backup: one of the two was changed.`,
  );
}

function imported({ airgap, stores, accountKeys }: Status): string[] {
  if (!airgap) return [];
  return [
    ...(stores.length > 0
      ? ['Imported stores:', ...stores.map((store) => `  ${store.id} ${storeWords(store)}`)]
      : []),
    ...(accountKeys.length > 0
      ? [
          'Imported account keys:',
          ...accountKeys.map((key) => `  ${key.keyId} ${key.accountId}/${key.name}${ending(key.until)}`),
        ]
      : []),
  ];
}

function ending(until: string | null): string {
  return until === null ? ', valid without end' : `, valid until ${until}`;
}

function more(found: Status): string[] {
  const { hsm, hsmTokens, storageFailure, disk, lastImport, lastBackup, temporalUi } = found;
  return [
    `HSM: ${hsm ? `${hsm.state}${hsm.detail ? ` (${hsm.detail})` : ''}` : 'none'}`,
    ...hsmTokens
      .filter(({ name }) => name !== DEFAULT_TOKEN)
      .map(({ name, state, detail }) => `HSM token "${name}": ${state} (${detail})`),
    ...missingKeyNotes(found),
    `Disk: ${mebibytes(disk.free)} MiB free, ${mebibytes(disk.blobs)} MiB of snaps`,
    `Storage: ${storageFailure ?? 'OK'}`,
    `Devices: ${found.devices}`,
    `Last import: ${lastImport ? `${lastImport.fileName} at ${lastImport.at}, ${lastImport.outcome}` : 'none'}`,
    `Last backup: ${lastBackup ? `${lastBackup.at}, ${lastBackup.verified ? 'verified' : 'not verified'}` : 'none'}`,
    `Temporal UI: ${temporalUi ?? 'none'}`,
  ];
}

function mebibytes(bytes: number): number {
  return Math.floor(bytes / 2 ** 20);
}
