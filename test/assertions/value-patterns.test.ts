import { describe, expect, it } from 'vitest';
import type { HeaderValue } from '../../src/assertions/header-values.ts';
import { compileValuePattern, headersFit, patternsWithin } from '../../src/assertions/value-patterns.ts';

const NOTHING = { operations: [], references: [] };
const ALL = { operations: ['SLOT', 'PLUG'], references: ['PLUG_PUBLISHER_ID'] };

function fits(constraint: HeaderValue, headers: { [name: string]: HeaderValue }): boolean {
  return headersFit(compileValuePattern(constraint, NOTHING), headers);
}

describe('patterns of values', () => {
  it('want every named value to fit', () => {
    const constraint = { type: 'serial', model: 'model-.*' };
    expect(fits(constraint, { type: 'serial', model: 'model-a', more: 'x' })).toBe(true);
    expect(fits(constraint, { type: 'serial', model: 'pi' })).toBe(false);
    expect(fits(constraint, { type: 'serial' })).toBe(false);
  });

  it('want all items of a list to fit', () => {
    expect(fits({ a: 'x+' }, { a: ['x', 'xx'] })).toBe(true);
    expect(fits({ a: 'x+' }, { a: ['x', 'y'] })).toBe(false);
  });

  it('look into maps', () => {
    expect(fits({ a: { b: 'x' } }, { a: { b: 'x', c: 'y' } })).toBe(true);
    expect(fits({ a: { b: 'x' } }, { a: 'x' })).toBe(false);
    expect(fits({ a: 'x' }, { a: { b: 'x' } })).toBe(false);
  });

  it('take one of several alternatives', () => {
    expect(fits({ a: ['x', 'y'] }, { a: 'y' })).toBe(true);
    expect(fits([{ a: 'x' }, { b: 'y' }], { b: 'y' })).toBe(true);
    expect(fits({ a: ['x', 'y'] }, { a: 'z' })).toBe(false);
  });

  it('can want a value to be missing', () => {
    expect(fits({ a: '$MISSING' }, { b: 'x' })).toBe(true);
    expect(fits({ a: '$MISSING' }, { a: 'x' })).toBe(false);
  });

  it('never mistake an inherited member for a value', () => {
    expect(fits({ constructor: '.*' }, {})).toBe(false);
  });

  it('know operations and references where their place has them', () => {
    const pattern = compileValuePattern(
      { a: '$SLOT(x.y)', b: '$PLUG_PUBLISHER_ID', c: ['$MISSING', '$PLUG(z)'] },
      ALL,
    );
    expect([...patternsWithin(pattern)].map(({ kind }) => kind).toSorted()).toEqual([
      'alternatives',
      'map',
      'missing',
      'operation',
      'operation',
      'reference',
    ]);
    expect(headersFit(pattern, { a: 'x', b: 'y', c: 'z' })).toBe(false);
  });

  it.each<[string, HeaderValue]>([
    ['a text without a map around it', 'x'],
    ['alternatives within alternatives', { a: [['x']] }],
    ['an unknown reference', { a: '$OTHER' }],
    ['an unknown operation', { a: '$OTHER(x)' }],
    ['an operation with two arguments', { a: '$SLOT(x,y)' }],
    ['an operation without an argument', { a: '$SLOT()' }],
    ['a broken expression', { a: '(' }],
  ])('refuse %s', (_, constraint) => {
    expect(() => compileValuePattern(constraint, ALL)).toThrow(/^cannot accept the assertion: /);
  });

  it('know no operations where their place has none', () => {
    expect(() => compileValuePattern({ a: '$SLOT(x)' }, NOTHING)).toThrow(/special value/);
  });
});
