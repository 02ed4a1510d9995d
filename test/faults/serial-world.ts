import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { z } from 'zod';
import {
  decodeStream,
  encodeStream,
  optionalText,
  text,
  type Assertion,
} from '../../src/assertions/index.ts';
import { InjectedFault } from './faulty.ts';
import { GatedHost, type Place, type Watcher } from './gated-host.ts';
import { atRest, Gates, type Way } from './gates.ts';
import { BOARDS, HOSTS, MODELS, type Act } from './serial-acts.ts';
import { API_KEY, at, counted, headersIn, PROPOSED, type Ground } from './serial-ground.ts';
import { SerialOperator } from './serial-operator.ts';
import { SerialPromises } from './serial-promises.ts';
import { SerialReference, type Asked, type Decision } from './serial-reference.ts';
import { checkRows, closedPromises } from './serial-rows.ts';

/** A request under way. */
interface Pending {
  readonly asked: Asked;
  readonly host: GatedHost;
  /** Whether it was refused before anything was decided: the former serial that it brings is good no more. */
  readonly isUntrusted: boolean;
  decision: Decision | undefined;
  /** Whether the last that was heard of its decision is that it failed. */
  failed: boolean;
}

/** A request as its board sent it. */
interface Sent {
  readonly asked: Asked;
  /** The serial that it brings. */
  readonly former: Assertion | undefined;
  readonly stream: Uint8Array;
}

/**
 * One history: hosts, boards and an operator on the real parts, beside the reference that says what must come of it. Nothing
 * moves but by an act; what a host does then, it does until all of it waits at gates again.
 */
export class SerialWorld {
  readonly #ground: Ground;
  readonly #gates = new Gates();
  readonly #reference = new SerialReference();
  readonly #promises: SerialPromises;
  readonly #operator: SerialOperator;
  readonly #hosts: GatedHost[];
  readonly #pending = new Map<string, Pending>();
  /** The last request of each board. */
  readonly #sent = new Map<number, Sent>();
  /** The serials that boards were given, by board and model. */
  readonly #given = new Map<string, Assertion>();
  /** How many promises were seen to be closed. */
  #closed = 0;
  readonly #wrong: unknown[] = [];
  /** In seconds. Time stands still but for acts. */
  #now = Math.floor(Date.now() / 1000);
  #isOver = false;

  private constructor(ground: Ground) {
    this.#ground = ground;
    this.#promises = new SerialPromises(ground, this.#reference);
    this.#operator = new SerialOperator(ground, this.#reference, () => this.#clock());
    this.#hosts = counted(HOSTS, (index) => this.#newHost(index));
  }

  /** A world without serials, with the first key in force. */
  static async begin(ground: Ground): Promise<SerialWorld> {
    await ground.clear();
    const world = new SerialWorld(ground);
    for (let model = 0; model < MODELS; model += 1) await world.#operator.rotate({ model, key: 0 });
    return world;
  }

  async perform(act: Act): Promise<void> {
    await this.#do(act);
    await this.#rest();
  }

  /** Lets all that is under way end well, has each board ask a last time, and compares what is there with the reference. */
  async finish(): Promise<void> {
    await this.#drain();
    for (let host = 0; host < HOSTS; host += 1) {
      await this.perform({ kind: 'pass', seconds: 61 });
      await this.perform({ kind: 'sweep', host });
      await this.#drain();
    }
    this.#expectNoneOpen();
    this.#isOver = true;
    for (let board = 0; board < BOARDS; board += 1) {
      await this.perform({ kind: 'ask', host: board % HOSTS, board, model: 0 });
      await this.#drain();
    }
    this.#expectNoneOpen();
    expect(this.#pending.size, 'requests without an answer').toBe(0);
    await checkRows(this.#ground, this.#reference, this.#promises);
  }

  #expectNoneOpen(): void {
    const open = this.#reference.places.filter(({ signed, closed }) => !signed && closed === undefined);
    expect(open, 'promises that nobody kept').toEqual([]);
  }

  /** Ends the hosts, whatever is under way. */
  end(): void {
    for (const host of this.#hosts) host.die();
  }

  async #do(act: Act): Promise<void> {
    switch (act.kind) {
      case 'ask':
        return this.#ask(act, {});
      case 'remodel': {
        const former = this.#given.get(this.#placeOf(act.board, (act.model + 1) % MODELS));
        return this.#ask(act, { ...(former && { former }) });
      }
      case 'replay': {
        const sent = this.#sent.get(act.board);
        if (sent !== undefined) this.#post(act.host, sent);
        return;
      }
      case 'borrow': {
        const sent = this.#sent.get(act.from);
        if (sent !== undefined) await this.#ask({ ...act, model: 0 }, { borrowed: sent.asked });
        return;
      }
      case 'block':
      case 'unblock':
        return this.#operator.block(act);
      case 'rotate':
        return this.#operator.rotate(act);
      case 'account-key':
        return this.#operator.pushAccountKey(act);
      case 'delete-key':
        return this.#operator.deleteKey(act);
      case 'permit':
        return this.#operator.permit(act);
      case 'withdraw':
        return this.#operator.withdraw(act);
      case 'allow':
      case 'disallow':
        return this.#operator.allow(act);
      case 'pass':
        this.#now += act.seconds;
        return;
      case 'sweep':
        void at(this.#hosts, act.host).sweep();
        return;
      case 'die':
        return this.#kill(act.host);
      case 'open':
        for (const gate of act.gates) await this.#open(gate, act.way);
        return;
      case 'drain':
        return this.#drain(act.upTo);
      default:
        return act satisfies never;
    }
  }

  async #ask(
    of: { readonly host: number; readonly board: number; readonly model: number },
    {
      former,
      borrowed,
    }: {
      readonly former?: Assertion;
      readonly borrowed?: Pick<Asked, 'requestId' | 'requestIdEnds'>;
    },
  ): Promise<void> {
    const device = at(this.#ground.boards, of.board);
    const model = at(this.#ground.models, of.model);
    const { requestId, requestIdEnds } = borrowed ?? {
      requestId: at(this.#hosts, of.host).service.requestId(),
      requestIdEnds: this.#now + 600,
    };
    const brought = former && { model: text(former, 'model'), serial: text(former, 'serial') };
    const request = await device.serialRequest(requestId, {
      model: text(model, 'model'),
      ...(brought && {
        'original-brand-id': this.#ground.brandId,
        'original-model': brought.model,
        'original-serial': brought.serial,
      }),
    });
    const sent = {
      asked: {
        requestId,
        requestIdEnds,
        model: text(model, 'model'),
        board: this.#ground.boardId(of.board),
        number: PROPOSED[of.board] ?? brought?.serial ?? this.#ground.madeFor(of.board, of.model),
        former: brought,
      },
      former,
      stream: encodeStream([request, model, ...(former === undefined ? [] : [former])]),
    };
    this.#sent.set(of.board, sent);
    this.#post(of.host, sent);
  }

  #post(index: number, { asked, former, stream }: Sent): void {
    const host = at(this.#hosts, index);
    const name = randomUUID();
    const isUntrusted = former !== undefined && !this.#isGood(former);
    const decision = isUntrusted ? REFUSED_BEFORE : undefined;
    this.#pending.set(name, { asked, host, isUntrusted, decision, failed: false });
    host
      .ask(name, stream, { 'api-key': API_KEY })
      .then((answer) => this.#answered(name, answer))
      .catch((error: unknown) => this.#wrong.push(error));
  }

  async #answered(name: string, answer: Response): Promise<void> {
    const pending = this.#pending.get(name);
    // What a host that died would have said reaches nobody.
    if (pending === undefined) return;
    this.#pending.delete(name);
    const body = new Uint8Array(await answer.arrayBuffer());
    const { asked, decision, failed } = pending;
    if (failed) expect(answer.status, 'of a decision that failed').toBe(503);
    else if (decision === undefined) throw new Error('an answer without a decision');
    else if (decision.kind === 'refused')
      expect(codeIn(answer, body), 'the reason of a refusal').toBe(decision.code);
    else if (answer.status === 202) {
      expect(decision.kind, 'who has a serial never waits').toBe('promised');
      expect(this.#reference.isSigned(decision.draft), 'who waits has no serial yet').toBe(false);
      expect(this.#isOver, 'a device waits in vain').toBe(false);
    } else {
      expect(answer.status, Buffer.from(body).toString()).toBe(200);
      this.#given.set(`${asked.board} ${asked.model}`, this.#checkSerial(body, decision));
    }
  }

  #checkSerial(body: Uint8Array, { kind, draft }: Exclude<Decision, { kind: 'refused' }>): Assertion {
    const [serial, ...chain] = decodeStream(body);
    if (serial === undefined) throw new Error('no serial in the answer');
    const permitted = kind === 'given' ? [draft] : this.#promises.outcomesOf(draft);
    expect(permitted.map((one) => this.#ground.headersOf(one))).toContainEqual(headersIn(serial));
    const keys = chain.map((one) => optionalText(one, 'public-key-sha3-384'));
    expect(keys, 'the account-key that signed').toContain(serial.signKeyId);
    return serial;
  }

  /** Whether the key of a serial still vouches for it. */
  #isGood(serial: Assertion): boolean {
    const signed = Date.parse(text(serial, 'timestamp')) / 1000;
    return this.#reference.keys.vouches(serial.signKeyId, signed);
  }

  #newHost(index: number): GatedHost {
    const watcher: Watcher = {
      asksToSign: (digest) => {
        try {
          const draft = this.#promises.withDigest(digest);
          expect(this.#reference.keys.standing(draft.key, this.#now), 'of a key that signs').toBe('valid');
          return draft;
        } catch (error) {
          this.#wrong.push(error);
          throw error;
        }
      },
      signed: (signature, draft) => void this.#promises.witnessed.push({ signature, draft }),
      decided: (names) => this.#decided(names),
      failed: (names) => {
        for (const pending of this.#those(names)) pending.failed = true;
      },
      stored: (drafts) => this.#promises.store(drafts),
      closed: () => this.#seeClosed(),
      reported: (error) => {
        if (!(error instanceof InjectedFault)) this.#wrong.push(error);
      },
    };
    const database = at(this.#ground.databases, index);
    const { rig } = this.#ground;
    return new GatedHost({ rig, database, clock: () => this.#clock(), gates: this.#gates, watcher });
  }

  async #decided(names: readonly string[]): Promise<void> {
    for (const pending of this.#those(names)) {
      if (pending.isUntrusted) this.#wrong.push(new Error('a former serial that is not good is accepted'));
      pending.failed = false;
      pending.decision = this.#reference.decide(pending.asked, this.#now);
      if (pending.decision.kind === 'promised') await this.#promises.add(pending.decision.draft);
    }
  }

  /** Tells the reference of the promises that the history says were closed since it was looked at. */
  async #seeClosed(): Promise<void> {
    const { queries } = this.#ground.rig.database;
    const rows = await closedPromises(queries);
    try {
      for (const row of rows.slice(this.#closed)) this.#reference.close(row, this.#now);
    } catch (error) {
      this.#wrong.push(error);
    }
    this.#closed = rows.length;
  }

  #those(names: readonly string[]): Pending[] {
    return names.map((name) => {
      const pending = this.#pending.get(name);
      if (pending === undefined) throw new Error('a decision about a request that nobody sent');
      return pending;
    });
  }

  async #open(index: number, way: Way): Promise<void> {
    const { waiting } = this.#gates;
    if (waiting.length === 0) return;
    at(waiting, index % waiting.length).open(way);
    await this.#rest();
  }

  async #drain(upTo?: Place): Promise<void> {
    await this.#rest();
    for (;;) {
      const next = this.#gates.waiting.findIndex(({ place }) => place !== upTo);
      if (next < 0) return;
      await this.#open(next, 'well');
    }
  }

  #kill(index: number): void {
    const host = at(this.#hosts, index);
    host.die();
    for (const [name, pending] of this.#pending) if (pending.host === host) this.#pending.delete(name);
    this.#hosts[index] = this.#newHost(index);
  }

  async #rest(): Promise<void> {
    await atRest([...this.#hosts, ...this.#ground.queries]);
    if (this.#wrong.length > 0) throw this.#wrong[0];
  }

  #clock(): Date {
    return new Date(this.#now * 1000);
  }

  #placeOf(board: number, model: number): string {
    return `${this.#ground.boardId(board)} ${this.#ground.modelName(model)}`;
  }
}

const REFUSED_BEFORE: Decision = { kind: 'refused', code: 'remodel-serial-untrusted' };

const errorSchema = z.object({ error_code: z.string() });

function codeIn({ status }: Response, body: Uint8Array): string {
  if (status === 200 || status === 202) return `none: ${String(status)}`;
  return errorSchema.parse(JSON.parse(Buffer.from(body).toString())).error_code;
}
