import { describe, expect, test } from 'vitest';
import {
  isSameBounds,
  isWithinBounds,
  keyBounds,
  type HeaderValue,
  type KeyBounds,
} from '../../src/assertions/index.ts';

const only = (...alternatives: Readonly<Record<string, HeaderValue>>[]): KeyBounds => ({
  constraints: alternatives.map((headers) => ({ headers })),
});
const until = (time: string): KeyBounds => ({ until: time });

const serials = only({ type: 'serial', model: 'model-.*' });

describe('bounds of an account-key lie within others', () => {
  test.each<[string, KeyBounds, KeyBounds]>([
    ['anything in no bounds', until('2030-01-01T00:00:00Z'), {}],
    ['the same end', until('2030-01-01T00:00:00Z'), until('2030-01-01T01:00:00+01:00')],
    ['an earlier end', until('2029-01-01T00:00:00Z'), until('2030-01-01T00:00:00Z')],
    ['the same constraints', serials, serials],
    ['one alternative of two', serials, only({ type: 'model' }, { type: 'serial', model: 'model-.*' })],
    ['one more header', only({ type: 'serial', model: 'model-.*', 'brand-id': 'acme' }), serials],
    ['a plain text in place of a pattern', only({ type: 'serial', model: 'model-a' }), serials],
    [
      'a plain text of a list',
      only({ type: 'serial', model: 'b' }),
      only({ type: 'serial', model: ['a', 'b'] }),
    ],
    ['a longer beginning', only({ type: 'serial', model: 'model-a.*' }), serials],
    ['any beginning in anything', serials, only({ type: 'serial', model: '.*' })],
    ['a choice of texts', only({ type: 'serial', model: 'model-a|model-b' }), serials],
    ['a choice in brackets', only({ type: 'serial', model: '(model-a|model-b.*)' }), serials],
    ['a list of texts', only({ type: 'serial', model: ['model-a', 'model-b.*'] }), serials],
    [
      'a choice of beginnings',
      only({ type: 'serial', model: 'a-1.*|b-1.*' }),
      only({ type: 'serial', model: '(b-.*|a-.*)' }),
    ],
    [
      'some of a list of patterns',
      only({ type: 'serial', model: ['a[0-9]', 'c'] }),
      only({ type: 'serial', model: ['a[0-9]', 'b', 'c'] }),
    ],
  ])('%s', (_, inner, outer) => {
    expect(isWithinBounds(inner, outer)).toBe(true);
  });

  test.each<[string, KeyBounds, KeyBounds]>([
    ['no end', {}, until('2030-01-01T00:00:00Z')],
    ['a later end', until('2030-01-01T00:00:00.001Z'), until('2030-01-01T00:00:00Z')],
    ['no constraints', {}, serials],
    ['another type', only({ type: 'model', model: 'model-a' }), serials],
    ['a header less', only({ type: 'serial' }), serials],
    ['a text that does not fit', only({ type: 'serial', model: 'other' }), serials],
    ['a pattern that cannot be compared', only({ type: 'serial', model: 'model-[ab]' }), serials],
    ['a shorter beginning', only({ type: 'serial', model: 'model.*' }), serials],
    ['a beginning that is a pattern', only({ type: 'serial', model: 'model-.+.*' }), serials],
    ['a beginning in a choice of texts', serials, only({ type: 'serial', model: 'model-a|model-b' })],
    ['a choice with one that does not fit', only({ type: 'serial', model: 'model-a|other' }), serials],
    ['a choice with nothing in it', only({ type: 'serial', model: 'model-a|' }), serials],
    ['anything in what is inside of brackets', serials, only({ type: 'serial', model: 'm(x|.*|y)z' })],
    ['anything in what is inside of a class', serials, only({ type: 'serial', model: '[m|.*|z]' })],
    ['a choice within a text', only({ type: 'serial', model: 'model-(a|b)|.*' }), serials],
    ['a list with one that does not fit', only({ type: 'serial', model: ['model-a', 'x'] }), serials],
    [
      'one good and one foreign alternative',
      only({ type: 'serial', model: 'model-a' }, { type: 'model' }),
      serials,
    ],
  ])('but not %s', (_, inner, outer) => {
    expect(isWithinBounds(inner, outer)).toBe(false);
  });
});

describe('bounds are the same', () => {
  const asked = { type: 'serial', 'brand-id': 'acme', model: ['a', 'b'] };
  test.each<[string, KeyBounds, KeyBounds]>([
    ['where nothing is bounded', {}, { until: undefined }],
    [
      'with their headers in another order',
      only(asked),
      only({ model: ['a', 'b'], 'brand-id': 'acme', type: 'serial' }),
    ],
    [
      'as a database that orders by length gives them',
      only(asked),
      only({ type: 'serial', model: ['a', 'b'], 'brand-id': 'acme' }),
    ],
    [
      'with the end before or after the constraints',
      { ...until('2030-01-01T00:00:00Z'), ...serials },
      { ...serials, ...until('2030-01-01T00:00:00Z') },
    ],
  ])('%s', (_, left, right) => {
    expect([isSameBounds(left, right), isSameBounds(right, left)]).toEqual([true, true]);
  });

  test.each<[string, KeyBounds, KeyBounds]>([
    ['another end', until('2030-01-01T00:00:00Z'), until('2031-01-01T00:00:00Z')],
    ['no end', { ...serials, ...until('2030-01-01T00:00:00Z') }, serials],
    ['a header more', only(asked), only({ type: 'serial', 'brand-id': 'acme' })],
    ['another header', only({ type: 'serial', model: 'a' }), only({ type: 'serial', 'brand-id': 'a' })],
    ['another pattern', only(asked), only({ ...asked, 'brand-id': 'other' })],
    [
      'a list in place of a text',
      only({ type: 'serial', model: 'a' }),
      only({ type: 'serial', model: ['a'] }),
    ],
    ['another list', only(asked), only({ ...asked, model: ['a', 'c'] })],
    ['a longer list', only(asked), only({ ...asked, model: ['a', 'b', 'c'] })],
    ['an alternative more', serials, only({ type: 'serial', model: 'model-.*' }, { type: 'serial' })],
  ])('but not with %s', (_, left, right) => {
    expect([isSameBounds(left, right), isSameBounds(right, left)]).toEqual([false, false]);
  });
});

describe('the bounds of an assertion', () => {
  test.each<[HeaderValue]>([
    ['serial'],
    [['serial']],
    [[]],
    [[{ headers: { model: 'x' } }]],
    [[{ type: 'serial' }]],
  ])('are refused where no account-key could have them: %j', (constraints) => {
    expect(() => keyBounds({ headers: { constraints } })).toThrow(/^cannot accept the assertion: /);
  });
});
