import { OUTSIDE, type Boundary, type CharacterSet, type PatternNode } from './nodes.ts';

/** One step of a compiled pattern; numbers are places of other steps. */
type Step =
  | { readonly kind: 'set'; readonly has: CharacterSet; readonly next: number }
  | { readonly kind: 'boundary'; readonly holds: Boundary; readonly next: number }
  | { readonly kind: 'fork'; readonly to: readonly number[] }
  | { readonly kind: 'match' };

/** A compiled pattern: a machine that is in many places at once and takes each character once. */
export class PatternProgram {
  readonly #steps: Step[] = [];
  readonly #start: number;

  constructor(pattern: PatternNode) {
    const match = this.#add({ kind: 'match' });
    this.#start = this.#compile(pattern, match);
  }

  /** Whether the whole text matches. */
  matches(text: string): boolean {
    const codePoints = Array.from(text, (character) => character.codePointAt(0) ?? 0);
    let places = this.#reach([this.#start], OUTSIDE, codePoints[0] ?? OUTSIDE);
    for (const [at, codePoint] of codePoints.entries()) {
      const moved = [...places].flatMap((place) => {
        const step = this.#steps[place];
        return step?.kind === 'set' && step.has(codePoint) ? [step.next] : [];
      });
      if (moved.length === 0) return false;
      places = this.#reach(moved, codePoint, codePoints[at + 1] ?? OUTSIDE);
    }
    return [...places].some((place) => this.#steps[place]?.kind === 'match');
  }

  /** All places that can be reached without taking a character. */
  #reach(from: readonly number[], before: number, after: number): ReadonlySet<number> {
    const reached = new Set<number>();
    const waiting = [...from];
    for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
      if (reached.has(place)) continue;
      reached.add(place);
      const step = this.#steps[place];
      if (step?.kind === 'fork') waiting.push(...step.to);
      if (step?.kind === 'boundary' && step.holds(before, after)) waiting.push(step.next);
    }
    return reached;
  }

  /** Adds the steps of a node that go on to `next`, and gives the place of the first. */
  #compile(node: PatternNode, next: number): number {
    switch (node.kind) {
      case 'set':
        return this.#add({ kind: 'set', has: node.has, next });
      case 'boundary':
        return this.#add({ kind: 'boundary', holds: node.holds, next });
      case 'sequence':
        return node.parts.reduceRight((following, part) => this.#compile(part, following), next);
      case 'either':
        return this.#add({ kind: 'fork', to: node.parts.map((part) => this.#compile(part, next)) });
      case 'repeat':
        return this.#compileRepeat(node, next);
    }
  }

  #compileRepeat({ part, min, max }: Extract<PatternNode, { kind: 'repeat' }>, next: number): number {
    let start = next;
    if (max === undefined) start = this.#compileLoop(part, next);
    else
      for (let extra = min; extra < max; extra++)
        start = this.#add({ kind: 'fork', to: [this.#compile(part, start), next] });
    for (let copy = 0; copy < min; copy++) start = this.#compile(part, start);
    return start;
  }

  #compileLoop(part: PatternNode, next: number): number {
    const place = this.#add({ kind: 'match' });
    const body = this.#compile(part, place);
    this.#steps[place] = { kind: 'fork', to: [body, next] };
    return place;
  }

  #add(step: Step): number {
    return this.#steps.push(step) - 1;
  }
}
