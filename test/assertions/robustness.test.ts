import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  AssertionError,
  decodeAssertion,
  decodeStream,
  encodeStream,
  verifySignature,
} from '../../src/assertions/index.ts';
import { changedBytes } from '../interop/snapd/mutations.ts';
import { makeWorld, type AssertionWorld } from '../support/assertion-world.ts';

/** Whatever comes in, it is taken or refused with a sentence; nothing else is ever thrown. */
function takenOrRefused(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(AssertionError);
    if (error instanceof AssertionError) expect(error.message).toMatch(/^cannot [^\n]+$/);
  }
}

describe('hostile input', () => {
  let world: AssertionWorld;
  let stream: Uint8Array;

  beforeAll(async () => {
    world = await makeWorld();
    stream = encodeStream([...world.roots, ...world.known]);
  });

  it('of changed assertions is taken or refused', () => {
    const originals = [...world.roots, ...world.known];
    const changed = fc
      .constantFrom(...originals)
      .chain(({ bytes }) =>
        changedBytes(bytes).chain((once) => fc.oneof(fc.constant(once), changedBytes(once))),
      );
    fc.assert(
      fc.property(changed, (bytes) => {
        takenOrRefused(() => verifySignature(decodeAssertion(bytes), world.root.publicKey));
        takenOrRefused(() => decodeStream(bytes));
      }),
      { numRuns: 3000 },
    );
  });

  it('of changed streams is taken or refused', () => {
    fc.assert(
      fc.property(changedBytes(stream), (bytes) => takenOrRefused(() => decodeStream(bytes))),
      { numRuns: 1000 },
    );
  });

  it('of any bytes and texts is taken or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        takenOrRefused(() => decodeAssertion(bytes));
        takenOrRefused(() => decodeStream(bytes));
      }),
      { numRuns: 2000 },
    );
    const line = fc.constantFrom(
      'type: model',
      'a:',
      '  -',
      '    x',
      '  b: c',
      '',
      'sign-key-sha3-384: x',
      '  b:',
      '    -',
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) =>
        takenOrRefused(() => decodeStream(lines.join('\n'))),
      ),
      { numRuns: 2000 },
    );
  });

  it('that is deep, wide or repetitive stays cheap', () => {
    const deep = Array.from({ length: 300 }, (_, depth) => `${'  '.repeat(depth)}  -`).join('\n');
    const hostile = [
      `type: account\nlist:\n${deep} x\n\nAXNpZw==`,
      `type: account\n${'a'.repeat(120_000)}: x\n\nAXNpZw==`,
      `${Array.from({ length: 10_000 }, (_, at) => `h${at}: x`).join('\n')}\n\nAXNpZw==`,
      `type: account-key\nname: ${'a'.repeat(60_000)}!\n\nAXNpZw==`,
      `type: account\nx:\n${'    line\n'.repeat(10_000)}\nAXNpZw==`,
      '\n'.repeat(100_000),
      'type: account\n\n'.repeat(10_000),
    ];
    for (const text of hostile) {
      takenOrRefused(() => decodeAssertion(text));
      takenOrRefused(() => decodeStream(text));
    }
  });
});
