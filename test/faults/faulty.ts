/** Parts that fail now and then, either before they do what they are asked or after: the caller cannot tell which. */

/** A repeatable source of chance: mulberry32. */
export function seededChance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** What an injected fault throws. */
export class InjectedFault extends Error {
  constructor(when: 'before' | 'after', what: string) {
    super(`injected ${when} ${what}`);
    this.name = 'InjectedFault';
  }
}

/** The same object with some of its asynchronous methods failing at the given rate, half of the time after they did their work. */
export function faulty<Part extends object>(
  part: Part,
  methods: readonly (keyof Part & string)[],
  rate: number,
  chance: () => number,
): Part {
  return new Proxy(part, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const method = value.bind(target);
      if (!methods.some((wanted) => wanted === name)) return method;
      return async (...args: unknown[]) => {
        const draw = chance();
        if (draw < rate / 2) throw new InjectedFault('before', String(name));
        const result: unknown = await method(...args);
        if (draw < rate) throw new InjectedFault('after', String(name));
        return result;
      };
    },
  });
}
