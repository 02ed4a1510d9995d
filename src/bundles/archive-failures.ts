import { BundleError, shownName } from './errors.ts';
import { MANIFEST_NAME } from './layouts.ts';

/** The archive does not begin as every archive of ours does. */
export function noManifest(): BundleError {
  return new BundleError(
    'manifest-missing',
    'cannot accept the archive: manifest.json must be its first member and manifest.jws its second; is this an archive that Airlock exported?',
    { member: MANIFEST_NAME },
  );
}

/** What is wrong with the frame of an archive, before it is known where. */
export class ArchiveFault extends Error {
  readonly fault: 'truncated' | 'damaged' | 'not-tar';

  constructor(fault: ArchiveFault['fault']) {
    super(fault);
    this.fault = fault;
  }
}

/** Puts what ended a read into words; `current` is the member that was read last. */
export function explainFailure(cause: unknown, current: string | undefined): unknown {
  const fault = faultOf(cause);
  if (fault === undefined) return cause;
  const options = { cause, ...(current === undefined ? {} : { member: current }) };
  const where = current === undefined ? 'at its beginning' : `in or after ${shownName(current)}`;
  switch (fault) {
    case 'truncated':
      return new BundleError(
        'bundle-truncated',
        `cannot read the archive: it is cut off ${where}; copy it again`,
        options,
      );
    case 'damaged':
      return new BundleError(
        'bundle-not-an-archive',
        `cannot read the archive: it is damaged ${where}; copy it again`,
        options,
      );
    case 'not-tar':
      return new BundleError(
        'bundle-not-an-archive',
        `cannot read the archive: it is not a tar archive ${where}`,
        options,
      );
    default:
      return fault satisfies never;
  }
}

function faultOf(cause: unknown): ArchiveFault['fault'] | undefined {
  if (cause instanceof ArchiveFault) return cause.fault;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'Z_BUF_ERROR') return 'truncated';
  return code.startsWith('Z_') ? 'damaged' : undefined;
}
