import { join } from 'node:path';
import { formatTimestamp, text, type Assertion, type PublicKey } from '../../src/assertions/index.ts';
import { madeSerial } from '../../src/devices/index.ts';
import {
  addAssertions,
  openDatabase,
  raiseGeneration,
  type Database,
  type DatabaseLocation,
  type Queries,
} from '../../src/storage/index.ts';
import { allSigningKeys, type SigningKeyRecord } from '../../src/storage/model-service/index.ts';
import type { Device } from '../support/device.ts';
import { openModelService, type TestModelService } from '../support/model-service.ts';
import type { Resting } from './gates.ts';
import { BOARDS, HOSTS, KEYS, MODELS } from './serial-acts.ts';
import { serialDigest } from './serial-digest.ts';
import type { Draft } from './serial-reference.ts';
import { watchQueries } from './watched-queries.ts';

export const API_KEY = 'api-key-of-all';

/** The numbers that boards claim: two of them the same, and one board none. */
export const PROPOSED = ['S-0', 'S-0', 'S-1', undefined];

/** What a history leaves. */
const TABLES = [
  'SerialIntent',
  'SerialHistory',
  'SpentRequestId',
  'ReplacementPermit',
  'RemodelAllowance',
  'Block',
  'SerialPolicy',
  'SigningKey',
  'AuditEntry',
] as const;

/** What all histories share: a database with a connection for each host, a token with its keys, models and boards. */
export class Ground {
  readonly rig: TestModelService;
  readonly databases: readonly Database[];
  /** The queries of hosts that take time of their own. */
  readonly queries: readonly Resting[];
  readonly models: readonly Assertion[];
  readonly keys: readonly PublicKey[];
  readonly boards: readonly Device[];
  /** The keys as they were made. */
  readonly #keyRows: readonly SigningKeyRecord[];
  /** The last revision of any account-key. */
  #revision = 0;

  private constructor(
    of: Pick<Ground, 'rig' | 'databases' | 'models' | 'keys' | 'boards'>,
    keyRows: readonly SigningKeyRecord[],
  ) {
    this.#keyRows = keyRows;
    this.rig = of.rig;
    this.databases = of.databases;
    this.queries = of.databases.map((database) => ({ isAtRest: true, work: watchQueries(database) }));
    this.models = of.models;
    this.keys = of.keys;
    this.boards = of.boards;
  }

  /** @param location where the database is: a file in the folder unless told */
  static async open(folder: string, location?: DatabaseLocation): Promise<Ground> {
    const database = location ?? { file: join(folder, 'airlock.sqlite') };
    const rig = await openModelService({ folder, smallKeys: 1, database });
    const databases: Database[] = [];
    for (let host = 0; host < HOSTS; host += 1) databases.push(await openDatabase(database));
    const keys: PublicKey[] = [];
    for (let key = 0; key < KEYS; key += 1) keys.push(await rig.addKey(`key-${String(key)}`));
    const models: Assertion[] = [];
    for (let model = 0; model < MODELS; model += 1) {
      const name = `model-${String(model)}`;
      await rig.addModel(name, { apiKey: API_KEY });
      models.push(await rig.chain.model(name));
    }
    const boards = await Promise.all(
      counted(BOARDS, (board) => {
        const proposedSerial = PROPOSED[board];
        return rig.device(at(models, 0), { ...(proposedSerial !== undefined && { proposedSerial }) });
      }),
    );
    const rows = await allSigningKeys(rig.database.queries);
    return new Ground({ rig, databases, models, keys, boards }, rows);
  }

  get brandId(): string {
    return this.rig.chain.brandId;
  }

  /** Takes away all that a history left. */
  async clear(): Promise<void> {
    await this.write(async (queries) => {
      for (const table of TABLES) await queries.deleteFrom(table).execute();
      await queries
        .insertInto('SigningKey')
        .values([...this.#keyRows])
        .execute();
    });
    for (let key = 0; key < KEYS; key += 1) await this.pushAccountKey(key, undefined);
  }

  /** Changes something as an operator does: on a connection besides those of the hosts. */
  write<Result>(work: (queries: Queries) => Promise<Result>): Promise<Result> {
    return this.rig.database.transaction(work);
  }

  /** The newest account-key of a signing key: one that is revoked, ends at that second, or does not end. */
  async pushAccountKey(key: number, until: 'revoked' | number | undefined): Promise<void> {
    const since = 0;
    const end = until === 'revoked' ? since : until;
    this.#revision += 1;
    const accountKey = await this.rig.chain.accountKey(at(this.keys, key), `key-${String(key)}`, {
      revision: String(this.#revision),
      since: timeOf(since),
      ...(end !== undefined && { until: timeOf(end) }),
    });
    await this.write(async (queries) => {
      await addAssertions(queries, [accountKey], { at: new Date() });
      await raiseGeneration(queries, 'catalog');
    });
  }

  modelName(model: number): string {
    return text(at(this.models, model), 'model');
  }

  boardId(board: number): string {
    return at(this.boards, board).signer.publicKey.keyId;
  }

  /** The number that the service makes for a board that claims none. */
  madeFor(board: number, model: number): string {
    const of = { brandId: this.brandId, model: this.modelName(model), deviceKeyId: this.boardId(board) };
    return madeSerial({ ...of, prefix: '' });
  }

  /** What the serial of a promise says. */
  headersOf(draft: Draft) {
    const board = this.boards.find(({ signer }) => signer.publicKey.keyId === draft.board);
    return {
      'authority-id': this.brandId,
      'brand-id': this.brandId,
      model: draft.model,
      serial: draft.serial,
      'device-key': board?.signer.publicKey.encoded ?? '',
      'device-key-sha3-384': draft.board,
      timestamp: timeOf(draft.at),
      'sign-key-sha3-384': draft.key,
      ...(draft.revision > 0 && { revision: String(draft.revision) }),
    };
  }

  /** The digest that the HSM is to sign for a promise, in hexadecimal. */
  async digestOf(draft: Draft): Promise<string> {
    const { 'sign-key-sha3-384': keyId, ...headers } = this.headersOf(draft);
    const publicKey = this.keys.find((key) => key.keyId === keyId);
    if (publicKey === undefined) throw new Error('no such key');
    return serialDigest(headers, publicKey, new Date(draft.at * 1000));
  }

  async close(): Promise<void> {
    for (const database of this.databases) await database.close();
    await this.rig.close();
  }
}

/** The headers of a serial as {@link Ground.headersOf} has them. */
export function headersIn(serial: Assertion): Record<string, unknown> {
  const { type: _type, ...headers } = serial.headers;
  return { ...headers, 'sign-key-sha3-384': serial.signKeyId };
}

function timeOf(seconds: number): string {
  return formatTimestamp(new Date(seconds * 1000));
}

export function counted<Value>(count: number, make: (index: number) => Value): Value[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** The value with that number; throws where there is none. */
export function at<Value>(values: readonly Value[], index: number): Value {
  const value = values[index];
  if (value === undefined) throw new RangeError(`there is no number ${String(index)}`);
  return value;
}
