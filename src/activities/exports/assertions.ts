import {
  decodeAssertion,
  hexToSnapSha3,
  refKey,
  refWords,
  supportsOf,
  type Assertion,
  type AssertionRef,
} from '../../assertions/index.ts';
import { findAssertion, type Queries } from '../../storage/index.ts';
import { ExportError } from './errors.ts';

/** A component as it goes with one revision of its snap. */
export interface ComponentOfRevision {
  readonly name: string;
  readonly revision: number;
  readonly digest: string;
  readonly snapRevision: number;
}

/** Looks assertions up once each, with all that they rest on. */
export class AssertionCloser {
  readonly #queries: Queries;
  readonly #known = new Map<string, Assertion>();

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  /**
   * These assertions and everything down to the root, each once, what others rest on first.
   * @throws ExportError `assertion-missing`
   */
  async close(assertions: readonly Assertion[]): Promise<readonly Assertion[]> {
    const ordered = new Map<string, Assertion>();
    const underWay = new Set<string>();
    const visit = async (assertion: Assertion): Promise<void> => {
      const key = `${refKey(assertion)}#${assertion.revision}`;
      if (ordered.has(key) || underWay.has(key)) return;
      underWay.add(key);
      for (const ref of supportsOf(assertion)) await visit(await this.#require(ref, assertion));
      ordered.set(key, assertion);
    };
    for (const assertion of assertions) await visit(assertion);
    return [...ordered.values()];
  }

  /** The newest revision of an assertion, or undefined. */
  async find(ref: AssertionRef): Promise<Assertion | undefined> {
    const known = this.#known.get(refKey(ref));
    if (known !== undefined) return known;
    const kept = await findAssertion(this.#queries, ref.type, ref.primaryKey);
    if (kept === undefined) return undefined;
    const assertion = decodeAssertion(kept.bytes);
    this.#known.set(refKey(ref), assertion);
    return assertion;
  }

  async #require(ref: AssertionRef, wantedBy: AssertionRef): Promise<Assertion> {
    const found = await this.find(ref);
    if (found === undefined)
      throw new ExportError(
        'assertion-missing',
        `cannot export ${refWords(wantedBy)}: the ${refWords(ref)} that it rests on is not here`,
      );
    return found;
  }

  /**
   * All that a device needs for one snap file: its snap-revision, every revision of the declaration, what is said of the
   * components that go with it, and their chains.
   */
  async ofSnapFile(
    snapId: string,
    digest: string,
    components: readonly ComponentOfRevision[] = [],
  ): Promise<readonly Assertion[]> {
    const rows = await this.#queries
      .selectFrom('StoredAssertion')
      .select('bytes')
      .where('snapId', '=', snapId)
      .where((eb) =>
        eb.or([
          eb.and([eb('type', '=', 'snap-revision'), eb('primaryKey', 'like', `${hexToSnapSha3(digest)}%`)]),
          eb('type', '=', 'snap-declaration'),
        ]),
      )
      .orderBy('revision')
      .execute();
    const found = rows.map(({ bytes }) => decodeAssertion(bytes));
    if (
      !found.some(({ type }) => type === 'snap-revision') ||
      !found.some(({ type }) => type === 'snap-declaration')
    )
      throw new ExportError(
        'assertion-missing',
        `cannot export snap ${snapId}: its revision is not signed yet`,
      );
    for (const component of components) found.push(...(await this.#ofComponent(snapId, component)));
    return this.close(found);
  }

  /** Who made the file of a component, and that it goes with that revision of the snap. */
  async #ofComponent(snapId: string, component: ComponentOfRevision): Promise<readonly Assertion[]> {
    const { name, revision, digest, snapRevision } = component;
    const found: Assertion[] = [];
    for (const [type, key] of [
      ['snap-resource-revision', [snapId, name, hexToSnapSha3(digest)]],
      ['snap-resource-pair', [snapId, name, revision, snapRevision]],
    ] as const) {
      const rows = await this.#queries
        .selectFrom('StoredAssertion')
        .select(['bytes', 'primaryKey'])
        .where('snapId', '=', snapId)
        .where('type', '=', type)
        .orderBy('revision')
        .execute();
      const own = rows.filter(({ primaryKey }) => primaryKey.startsWith(`${key.join('/')}/`));
      if (own.length === 0)
        throw new ExportError(
          'assertion-missing',
          `cannot export component ${name} revision ${revision} of ${snapId}: its ${type} is not here`,
        );
      found.push(...own.map(({ bytes }) => decodeAssertion(bytes)));
    }
    return found;
  }

  /** Assertions of some types that are about an account: its keys, validation sets and the like. */
  async ofAccount(accountId: string, types: readonly string[]): Promise<readonly Assertion[]> {
    if (types.length === 0) return [];
    const rows = await this.#queries
      .selectFrom('StoredAssertion')
      .select('bytes')
      .where('accountId', '=', accountId)
      .where('type', 'in', [...types])
      .orderBy('id')
      .execute();
    return rows.map(({ bytes }) => decodeAssertion(bytes));
  }
}

/**
 * The account-keys with these key ids, newest revisions.
 * @throws ExportError `key-unknown`
 */
export async function accountKeys(
  closer: AssertionCloser,
  ids: readonly string[],
): Promise<readonly Assertion[]> {
  const found: Assertion[] = [];
  for (const id of ids) {
    const key = await closer.find({ type: 'account-key', primaryKey: [id] });
    if (key === undefined)
      throw new ExportError('key-unknown', `cannot export the account-key ${id}: it is not registered here`);
    found.push(key);
  }
  return found;
}
