import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  AssertionError,
  decodeStream,
  encodeStream,
  signAssertion,
  type Assertion,
  type Signer,
} from '../../src/assertions/index.ts';
import { accountDraft, testSigner } from '../support/assertion-world.ts';

describe('a stream of assertions', () => {
  let signer: Signer;
  let some: readonly Assertion[];

  beforeAll(async () => {
    signer = await testSigner();
    some = await Promise.all(
      ['', 'text', 'ends in lines\n\n', '\nbegins with one', 'a\n\nb'].map((body, at) =>
        signAssertion({ ...accountDraft(`account-${at}`), body }, signer, new Date(0)),
      ),
    );
  });

  it('is empty when there are no assertions', () => {
    expect(decodeStream('')).toEqual([]);
    expect(encodeStream([])).toEqual(new Uint8Array());
  });

  it('gives back what went in, byte by byte, whatever the bodies hold', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(4), { maxLength: 8 }), (picks) => {
        const chosen = picks.flatMap((at) => some[at] ?? []);
        const back = decodeStream(encodeStream(chosen));
        expect(back.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(
          chosen.map(({ bytes }) => Buffer.from(bytes).toString()),
        );
        expect(back).toEqual(chosen);
      }),
    );
  });

  it('takes a last signature with no, one or two line ends', () => {
    const [first] = some;
    const text = Buffer.from(first?.bytes ?? [])
      .toString()
      .trimEnd();
    for (const end of ['', '\n', '\n\n']) expect(decodeStream(`${text}${end}`)).toHaveLength(1);
  });

  it('adds the line end that a signature lacks', () => {
    const bytes = Buffer.from(
      Buffer.from(some[0]?.bytes ?? [])
        .toString()
        .trimEnd(),
    );
    expect(decodeStream(encodeStream([{ bytes }, { bytes }]))).toHaveLength(2);
  });

  it.each<[string, (text: string) => string]>([
    ['that ends within headers', (text) => text.slice(0, 30)],
    ['that ends within a body', (text) => text.slice(0, text.indexOf('text') + 2)],
    ['that ends before a signature', (text) => text.slice(0, text.indexOf('text') + 4)],
    ['with an empty line too many', (text) => `${text}\n\n\n${text}`],
    ['with a wrong body length', (text) => text.replace('body-length: 4', 'body-length: 3')],
  ])('is refused %s', (_, change) => {
    const text = Buffer.from(some[1]?.bytes ?? []).toString();
    expect(() => decodeStream(change(text))).toThrow(AssertionError);
  });

  it('is refused when it holds more than is allowed', () => {
    const stream = encodeStream(some);
    expect(() => decodeStream(stream, { count: 4 })).toThrow(/more than 4 assertions/);
    expect(() => decodeStream(stream, { bytes: 100 })).toThrow(/more than 100 bytes/);
    expect(() => decodeStream(`type: ${'a'.repeat(200_000)}`)).toThrow(/bytes of headers/);
    expect(() => decodeStream('type: account\nbody-length: 3000000\n\n')).toThrow(/bytes of body/);
  });
});
