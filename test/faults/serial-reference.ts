/**
 * What the making of serials should come to, without a database, a signature or a process: the rules of who gets which serial,
 * in the order in which decisions are committed. It shares no code with the product, and is read beside docs/explanation/serials.md.
 */

import { KeyReference, type Closing } from './key-reference.ts';

/** One serial as it was promised: what its assertion says, or will say. */
export interface Draft {
  readonly model: string;
  readonly serial: string;
  readonly board: string;
  readonly revision: number;
  /** The signing key. */
  readonly key: string;
  /** The moment of the decision, in seconds. */
  readonly at: number;
}

/** A serial-request, as far as a decision depends on it. */
export interface Asked {
  readonly model: string;
  readonly board: string;
  readonly requestId: string;
  /** Until when the request-id may be used for the first time, in seconds. */
  readonly requestIdEnds: number;
  /** The number that the device gets when nothing else is said. */
  readonly number: string;
  /** Which serial of another model it brings to be remodelled. */
  readonly former: { readonly model: string; readonly serial: string } | undefined;
}

/** What a decision says: a refusal by its code, the serial that is there, or the promise of one. */
export type Decision =
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'given' | 'promised'; readonly draft: Draft };

/** A permission to take over a serial; without a board it is for whoever asks for that number. */
export interface Permit {
  readonly model: string;
  readonly serial: string;
  readonly board: string | undefined;
}

/** A line of the remodel allow-list; without a serial it is for all devices of the model. */
export interface Line {
  readonly from: string;
  readonly to: string;
  readonly serial: string | undefined;
}

/** Why a serial, or the promise of one, is a former one. */
export interface Former {
  readonly draft: Draft;
  readonly signed: boolean;
  readonly reason: 'board-replaced' | 'key-changed' | Closing;
}

interface Place {
  draft: Draft;
  signed: boolean;
  /** A closed promise is kept by nobody; its device has to ask again. */
  closed: Closing | undefined;
}

/** The state that the operator's and the devices' acts lead to. */
export class SerialReference {
  readonly keys = new KeyReference();
  readonly keyInForce = new Map<string, string>();
  readonly permits: (Permit & { usedBy?: string })[] = [];
  readonly lines: Line[] = [];
  /** `device-key BOARD` and `serial MODEL/SERIAL`. */
  readonly blocks = new Set<string>();
  /** Who used which request-id. */
  readonly spent = new Map<string, string>();
  /** One place for each serial of a model. */
  readonly places: Place[] = [];
  readonly history: Former[] = [];
  /** What the log of acts must tell, in order. */
  readonly acts: string[] = [];

  /** Decides about one request. */
  decide(asked: Asked, now: number): Decision {
    const { model, board, requestId, former } = asked;
    const spentBy = this.spent.get(requestId);
    if (spentBy !== undefined && spentBy !== board) return refused('request-id-spent');
    const own = this.places.find(({ draft }) => draft.model === model && draft.board === board);
    const block = this.#blockOn(board, own === undefined ? [] : [own.draft]);
    if (block !== undefined) return refused(block);
    if (spentBy === undefined && now >= asked.requestIdEnds) return refused('request-id-expired');
    const brought = former === undefined ? [] : [former];
    if (own !== undefined && !this.#isOver(own)) {
      const formerBlock = this.#blockOn(board, brought);
      return formerBlock === undefined ? this.#again(asked, own, now) : refused(formerBlock);
    }
    if (own !== undefined) this.places.splice(this.places.indexOf(own), 1);
    const trouble = this.#trouble(model, now);
    if (trouble !== undefined) return refused(trouble);
    const others = this.#elsewhere(asked);
    const formerBlock = this.#blockOn(board, [...brought, ...others]);
    if (formerBlock !== undefined) return refused(formerBlock);
    if (former !== undefined && !this.#mayRemodel(former, model)) return refused('remodel-not-allowed');
    if (former === undefined && this.lines.length > 0 && others.length > 0)
      return refused('remodel-required');
    return this.#takeOver(asked, now) ?? this.#enrol(asked, now);
  }

  /** Notes that a signature came into the log: of the promise in force, or of one that was given up meanwhile. */
  store(draft: Draft): void {
    const place = this.places.find((one) => one.draft === draft);
    if (place === undefined) this.history.push({ draft, signed: true, reason: 'key-changed' });
    else Object.assign(place, { signed: true, closed: undefined });
  }

  /** Notes that a promise was closed. Throws where it stood, or another reason was the true one. */
  close(
    of: { readonly model: string; readonly serial: string; readonly reason: Closing },
    now: number,
  ): void {
    const place = this.#placeOf(of.model, of.serial);
    if (place === undefined || place.signed || place.closed !== undefined)
      throw new Error('what was closed is no open promise');
    const { key, at } = place.draft;
    if (!this.keys.couldFail(key, of.reason, { from: at, to: now }))
      throw new Error(`a promise is closed because of ${of.reason}, which is not so`);
    place.closed = of.reason;
    this.history.push({ draft: place.draft, signed: false, reason: of.reason });
    this.acts.push(`serial.close ${of.model}/${of.serial}`);
  }

  /** Whether a draft is its device's serial, or the promise of one. */
  isInForce(draft: Draft): boolean {
    return this.places.some((one) => one.draft === draft);
  }

  isSigned(draft: Draft): boolean {
    return this.places.some((one) => one.draft === draft && one.signed);
  }

  /** A closed promise ends what its device was promised, but for a serial that it took over or had before. */
  #isOver({ draft, closed }: Place): boolean {
    return closed !== undefined && draft.revision === 0;
  }

  /**
   * A device that has its place keeps it. A promise that is not kept follows the key in force; a serial stays as it is, unless no
   * device accepts it any more.
   */
  #again({ board, requestId, model }: Asked, own: Place, now: number): Decision {
    this.spent.set(requestId, board);
    const { draft, signed } = own;
    const standing = this.keys.standing(draft.key, draft.at);
    const isRenewed = signed && standing !== 'valid';
    if (signed && !isRenewed) return { kind: 'given', draft };
    const trouble = this.#trouble(model, now);
    if (trouble !== undefined) return refused(trouble);
    const key = this.#keyOf(model);
    if (isRenewed) {
      this.acts.push(`serial.renew ${model}/${draft.serial}`);
      this.history.push({ draft, signed, reason: `key-${standing}` });
      Object.assign(own, { signed: false, draft: { ...draft, key, at: now, revision: draft.revision + 1 } });
    } else if (draft.key !== key || own.closed !== undefined) {
      // What was closed is in the history already.
      if (own.closed === undefined) this.history.push({ draft, signed, reason: 'key-changed' });
      Object.assign(own, { closed: undefined, draft: { ...draft, key, at: now } });
    }
    return { kind: 'promised', draft: own.draft };
  }

  /** The holder of a permission gets the serial as the next revision, and its former board is blocked. */
  #takeOver({ model, board, requestId, number }: Asked, now: number): Decision | undefined {
    const unused = this.permits.filter((one) => one.model === model && one.usedBy === undefined);
    const bound = unused.filter((one) => one.board === board);
    const permit =
      bound.find(({ serial }) => serial === number) ??
      bound[0] ??
      unused.find((one) => one.board === undefined && one.serial === number);
    if (permit === undefined) return undefined;
    const { serial } = permit;
    if (this.blocks.has(`serial ${model}/${serial}`)) return refused('device-blocked');
    permit.usedBy = board;
    this.spent.set(requestId, board);
    this.acts.push(`serial.replace-board ${model}/${serial}`);
    const place = this.#placeOf(model, serial);
    const draft = { model, serial, board, key: this.#keyOf(model), at: now };
    if (place === undefined) return this.#promise({ ...draft, revision: 0 });
    this.blocks.add(`device-key ${place.draft.board}`);
    this.history.push({ draft: place.draft, signed: place.signed, reason: 'board-replaced' });
    const next = { ...draft, revision: place.draft.revision + 1 };
    Object.assign(place, { draft: next, signed: false, closed: undefined });
    return { kind: 'promised', draft: place.draft };
  }

  #enrol({ model, board, requestId, number: serial }: Asked, now: number): Decision {
    if (this.blocks.has(`serial ${model}/${serial}`)) return refused('device-blocked');
    if (this.#placeOf(model, serial) !== undefined) {
      this.acts.push(`serial.refuse-duplicate ${model}/${serial}`);
      return refused('serial-in-use');
    }
    this.spent.set(requestId, board);
    return this.#promise({ model, serial, board, revision: 0, key: this.#keyOf(model), at: now });
  }

  #promise(draft: Draft): Decision {
    this.places.push({ draft, signed: false, closed: undefined });
    return { kind: 'promised', draft };
  }

  #placeOf(model: string, serial: string): Place | undefined {
    return this.places.find(({ draft }) => draft.model === model && draft.serial === serial);
  }

  /** What the device is in other models. */
  #elsewhere({ model, board }: Asked): Draft[] {
    return this.places
      .filter(({ closed }) => closed === undefined)
      .map(({ draft }) => draft)
      .filter((draft) => draft.board === board && draft.model !== model);
  }

  #blockOn(
    board: string,
    serials: readonly { readonly model: string; readonly serial: string }[],
  ): string | undefined {
    if (this.blocks.has(`device-key ${board}`)) return 'device-key-blocked';
    const blocked = serials.some(({ model, serial }) => this.blocks.has(`serial ${model}/${serial}`));
    return blocked ? 'device-blocked' : undefined;
  }

  #mayRemodel(former: { readonly model: string; readonly serial: string }, to: string): boolean {
    return this.lines.some(
      (line) =>
        line.from === former.model &&
        line.to === to &&
        (line.serial === undefined || line.serial === former.serial),
    );
  }

  /** Why the key in force may sign nothing. */
  #trouble(model: string, now: number): string | undefined {
    const standing = this.keys.standing(this.#keyOf(model), now);
    return standing === 'valid' ? undefined : `signing-key-${standing}`;
  }

  #keyOf(model: string): string {
    const key = this.keyInForce.get(model);
    if (key === undefined) throw new Error(`no key in force for ${model}`);
    return key;
  }
}

function refused(code: string): Decision {
  return { kind: 'refused', code };
}
