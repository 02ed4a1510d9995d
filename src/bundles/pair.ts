import { AssertionError, decodeStream, snapSha3ToHex, text, type Assertion } from '../assertions/index.ts';
import { BundleError } from './errors.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { readSmallFile } from './metadata-file.ts';

/** What the assertions of a snap that `snap download` left say of it. */
export interface SnapPair {
  /** The file itself, and the assertions in it. */
  readonly stream: string;
  readonly assertions: readonly Assertion[];
  readonly statement: Assertion;
  readonly declaration: Assertion;
  /** SHA3-384 of the snap, as hex. */
  readonly digest: string;
}

/**
 * Reads the NAME.assert that `snap download` leaves beside NAME.snap: it speaks of one snap. Signatures are not checked.
 * @throws BundleError `snap-assertions-wrong`, `bundle-unreadable`, `bundle-too-large`
 */
export async function readPair(path: string): Promise<SnapPair> {
  const stream = await readSmallFile(path, DEFAULT_LIMITS.assertionBytes);
  const assertions = decodedFrom(path, stream);
  const [statement, another] = assertions.filter(({ type }) => type === 'snap-revision');
  if (statement === undefined || another !== undefined)
    throw wrong(path, 'exactly one snap-revision assertion');
  const declaration = assertions.findLast(
    (one) => one.type === 'snap-declaration' && text(one, 'snap-id') === text(statement, 'snap-id'),
  );
  if (declaration === undefined) throw wrong(path, 'the snap-declaration of its snap');
  return {
    stream,
    assertions,
    statement,
    declaration,
    digest: snapSha3ToHex(text(statement, 'snap-sha3-384')),
  };
}

function decodedFrom(path: string, stream: string): readonly Assertion[] {
  try {
    return decodeStream(stream);
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    throw wrong(path, `whole assertions alone (${error.message})`, error);
  }
}

/** The refusal of a snap that is not the one that its assertions speak of. */
export function otherSnap(member: string): BundleError {
  return new BundleError(
    'member-digest-wrong',
    `cannot accept ${member}: it is not the file that its assertions speak of (SHA3-384 differs)`,
    { member },
  );
}

function wrong(path: string, what: string, cause?: unknown): BundleError {
  return new BundleError(
    'snap-assertions-wrong',
    `cannot use ${path}: it must hold ${what}, as "snap download" writes it`,
    cause === undefined ? {} : { cause },
  );
}
