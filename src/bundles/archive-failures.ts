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

/** Puts the first cause in words; the stream machinery may report only a consequence of it. */
export function explainFailure(cause: unknown, current: string | undefined): unknown {
  if (cause instanceof BundleError) return cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const message = cause instanceof Error ? cause.message : '';
  const options = { cause, ...(current === undefined ? {} : { member: current }) };
  const where = current === undefined ? 'at its beginning' : `in or after ${shownName(current)}`;
  if (code === 'Z_BUF_ERROR' || message.includes('nexpected end of'))
    return new BundleError(
      'bundle-truncated',
      `cannot read the archive: it is cut off ${where}; copy it again`,
      options,
    );
  if (code.startsWith('Z_'))
    return new BundleError(
      'bundle-not-an-archive',
      `cannot read the archive: it is damaged ${where}; copy it again`,
      options,
    );
  if (
    message.includes('tar header') ||
    message.includes('Invalid header') ||
    message.includes('Header exceeds')
  )
    return new BundleError(
      'bundle-not-an-archive',
      `cannot read the archive: it is not a tar archive ${where}`,
      options,
    );
  return cause;
}
