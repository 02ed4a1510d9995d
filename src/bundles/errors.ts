import { AirlockError, type ErrorKind } from '../errors.ts';

/** Everything that can be wrong with a transfer archive, in words that programs may rely on. */
export type BundleErrorCode =
  | 'bundle-unreadable'
  | 'bundle-not-an-archive'
  | 'bundle-truncated'
  | 'bundle-too-large'
  | 'manifest-missing'
  | 'manifest-invalid'
  | 'manifest-unsigned'
  | 'manifest-signature-invalid'
  /** The archive has a layout that this version does not read: upgrade Airlock, or export again. */
  | 'layout-unknown'
  /** The archive is signed by another machine than earlier ones of its store or brand: compare the fingerprint there, and push with `--exporter`. */
  | 'exporter-foreign'
  /** The archive is older than what was imported: to go back, push with `--allow-older`. */
  | 'bundle-stale'
  | 'member-name-refused'
  | 'member-type-refused'
  | 'member-duplicate'
  | 'member-unlisted'
  | 'member-missing'
  | 'member-size-wrong'
  | 'member-digest-wrong'
  | 'snap-assertions-wrong'
  | 'inventory-invalid'
  | 'disk-full'
  | 'source-changed';

const KINDS: Partial<Record<BundleErrorCode, ErrorKind>> = {
  'bundle-unreadable': 'not-found',
  'bundle-too-large': 'too-large',
  'exporter-foreign': 'forbidden',
  'bundle-stale': 'conflict',
  'disk-full': 'unavailable',
  'source-changed': 'internal',
};

/**
 * A transfer archive that cannot be read or written.
 * `member` names the file inside the archive that is at fault, where one is.
 */
export class BundleError extends AirlockError<BundleErrorCode> {
  readonly member: string | undefined;

  constructor(
    code: BundleErrorCode,
    sentence: string,
    options: { readonly member?: string; readonly cause?: unknown } = {},
  ) {
    super(
      KINDS[code] ?? 'invalid',
      code,
      sentence,
      options.cause === undefined ? {} : { cause: options.cause },
    );
    this.member = options.member;
  }
}

/** The refusal of a member whose bytes do not have the digest of the manifest. */
export function digestWrong(member: string): BundleError {
  return new BundleError(
    'member-digest-wrong',
    `cannot accept ${shownName(member)}: its bytes are not those that were exported (SHA3-384 differs)`,
    { member },
  );
}

/** A name that came out of an archive, made safe to print: control characters escaped, cut at 120 characters. */
export function shownName(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 117)}...` : name);
}
