import { setTimeout as sleep } from 'node:timers/promises';
import type { Hsm } from '../../src/hsm/index.ts';

/** An HSM that signs so many a second, one after the other, as external tokens do. */
export function paced(hsm: Hsm, perSecond: number): Pick<Hsm, 'findKey' | 'sign'> {
  let freeAt = performance.now();
  return {
    findKey: (id) => hsm.findKey(id),
    async sign(id, digest) {
      freeAt = Math.max(freeAt, performance.now()) + 1000 / perSecond;
      await sleep(freeAt - performance.now());
      return hsm.sign(id, digest);
    },
  };
}
