import { expect } from 'vitest';
import { createSigningKeyActivities } from '../../src/activities/signing-keys.ts';
import { raiseGeneration } from '../../src/storage/index.ts';
import {
  addBlock,
  addPermit,
  addPolicy,
  addRemodel,
  removeBlock,
  removeRemodel,
  withdrawPermit,
} from '../../src/storage/model-service/index.ts';
import { MODELS, type Act } from './serial-acts.ts';
import { at, type Ground } from './serial-ground.ts';
import type { SerialReference } from './serial-reference.ts';

type Of<Kind extends Act['kind']> = Extract<Act, { readonly kind: Kind }>;

/** An operator, whose every act is done to the database and told to the reference. */
export class SerialOperator {
  readonly #ground: Ground;
  readonly #reference: SerialReference;
  readonly #clock: () => Date;
  /** Of the reference's permissions, in their order. */
  readonly #permitIds: number[] = [];

  constructor(ground: Ground, reference: SerialReference, clock: () => Date) {
    this.#ground = ground;
    this.#reference = reference;
    this.#clock = clock;
  }

  async block(act: Of<'block' | 'unblock'>): Promise<void> {
    const ground = this.#ground;
    const subject =
      act.on === 'serial'
        ? `${ground.modelName(act.model)}/${numberOf(act.serial)}`
        : ground.boardId(act.board);
    const block = { kind: act.on, brandId: ground.brandId, subject };
    const { blocks } = this.#reference;
    if (act.kind === 'block') {
      await ground.write((queries) => addBlock(queries, { ...block, reason: '', ...this.#by() }));
      blocks.add(`${act.on} ${subject}`);
    } else {
      await ground.write((queries) => removeBlock(queries, block));
      blocks.delete(`${act.on} ${subject}`);
    }
  }

  /** Puts another key in a policy; one that may not sign, or is gone, is put in none. */
  async rotate({ model, key }: Pick<Of<'rotate'>, 'model' | 'key'>): Promise<void> {
    const { brandId } = this.#ground;
    const modelName = this.#ground.modelName(model);
    const { keyId } = at(this.#ground.keys, key);
    const { keys } = this.#reference;
    if (keys.isDeleted(keyId) || keys.standing(keyId, this.#seconds()) !== 'valid') return;
    await this.#ground.write(async (queries) => {
      await addPolicy(queries, { brandId, modelName, keyId, ...this.#by() });
      await raiseGeneration(queries, 'settings');
    });
    this.#reference.keyInForce.set(modelName, keyId);
  }

  async pushAccountKey({ key, ends }: Of<'account-key'>): Promise<void> {
    const now = this.#seconds();
    const until = typeof ends === 'number' ? now + ends : undefined;
    const isRevoked = ends === 'revoked';
    await this.#ground.pushAccountKey(key, isRevoked ? 'revoked' : until);
    this.#reference.keys.say(at(this.#ground.keys, key).keyId, { revoked: isRevoked, until }, now);
  }

  async deleteKey({ key }: Of<'delete-key'>): Promise<void> {
    const { database, tokens } = this.#ground.rig;
    const { keyId } = at(this.#ground.keys, key);
    const reference = this.#reference;
    if (reference.keys.isDeleted(keyId)) return;
    const activities = createSigningKeyActivities({ database, tokens, clock: this.#clock });
    // Whoever deletes it knows what rests on it, and that its account-key has not ended.
    const known = { hasSigned: true, beforeUntil: true };
    const deletion = activities.retireSigningKey({ keyId, actor: 'admin', ...known });
    if ([...reference.keyInForce.values()].includes(keyId)) {
      await expect(deletion, 'a key in force is not deleted').rejects.toMatchObject({
        code: 'signing-key-in-use',
      });
      return;
    }
    await deletion;
    reference.keys.delete(keyId);
    reference.acts.push(`key.delete ${keyId}`);
  }

  async permit(act: Of<'permit'>): Promise<void> {
    const model = { brandId: this.#ground.brandId, modelName: this.#ground.modelName(act.model) };
    const serial = numberOf(act.serial);
    const board = act.board === undefined ? undefined : this.#ground.boardId(act.board);
    const permit = { serial, deviceKeyId: board ?? null, reason: 'test', expiresAt: null };
    const { id } = await this.#ground.write((queries) =>
      addPermit(queries, model, { ...permit, by: 'admin', at: this.#clock() }),
    );
    this.#permitIds.push(id);
    this.#reference.permits.push({ model: model.modelName, serial, board });
  }

  async withdraw({ permit: index }: Of<'withdraw'>): Promise<void> {
    const { permits } = this.#reference;
    const permit = permits[index];
    if (permit === undefined) return;
    const model = { brandId: this.#ground.brandId, modelName: permit.model };
    const id = at(this.#permitIds, index);
    const done = await this.#ground.write((queries) => withdrawPermit(queries, model, id));
    expect(done, 'a permission is withdrawn unless it was used').toBe(permit.usedBy === undefined);
    if (!done) return;
    permits.splice(index, 1);
    this.#permitIds.splice(index, 1);
  }

  async allow(act: Of<'allow' | 'disallow'>): Promise<void> {
    const line = {
      from: this.#ground.modelName(act.from),
      to: this.#ground.modelName((act.from + 1) % MODELS),
      serial: act.serial === undefined ? undefined : numberOf(act.serial),
    };
    const { brandId } = this.#ground;
    const key = { brandId, fromModel: line.from, toModel: line.to, fromSerial: line.serial ?? '' };
    const more = { description: '', ...this.#by(), modifiedAt: null, modifiedBy: null };
    await this.#ground.write(async (queries) => {
      if (act.kind === 'allow') await addRemodel(queries, { ...key, ...more });
      else await removeRemodel(queries, key);
      await raiseGeneration(queries, 'settings');
    });
    const { lines } = this.#reference;
    const place = lines.findIndex((one) => one.from === line.from && one.serial === line.serial);
    if (act.kind === 'allow' && place < 0) lines.push(line);
    if (act.kind === 'disallow' && place >= 0) lines.splice(place, 1);
  }

  #seconds(): number {
    return this.#clock().getTime() / 1000;
  }

  #by() {
    return { createdAt: this.#clock().toISOString(), createdBy: 'admin' };
  }
}

function numberOf(serial: number): string {
  return `S-${String(serial)}`;
}
