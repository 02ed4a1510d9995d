import { describe, expect, it } from 'vitest';
import type { HeaderValue } from '../../../src/assertions/index.ts';
import { draftsOf, TIMESTAMP, type DraftHeaders } from '../draft-text.ts';

const common = {
  'authority-id': 'acme',
  series: '16',
  'brand-id': 'acme',
  model: 'pi-4',
  timestamp: TIMESTAMP,
};
const id = (letter: string): string => letter.repeat(32);
const kernel = { name: 'pi-kernel', id: id('k'), type: 'kernel', 'default-channel': '24/stable' };
const gadget = { name: 'pi', id: id('g'), type: 'gadget', 'default-channel': '24/stable' };

const plain = draftsOf('model', { ...common, architecture: 'arm64', gadget: 'pi', kernel: 'pi-kernel' });
const classic = draftsOf('model', { ...common, classic: 'true' });
const extended = draftsOf('model', {
  ...common,
  architecture: 'arm64',
  base: 'core24',
  snaps: [kernel, gadget],
});

/** An extended model with one more snap. */
function withSnap(snap: { [name: string]: HeaderValue }, changes: DraftHeaders = {}): () => unknown {
  return () => extended({ snaps: [kernel, gadget, { name: 'app', id: id('a'), ...snap }], ...changes });
}

describe('a model', () => {
  it('comes in three shapes: plain, classic, and with a list of snaps', () => {
    expect(plain({ base: 'core18', 'required-snaps': ['foo'] }).primaryKey).toEqual(['16', 'acme', 'pi-4']);
    expect(classic({ gadget: 'pc=18', architecture: 'amd64' }).type).toBe('model');
    expect(extended({ grade: 'signed', store: 'my-store', 'display-name': 'Pi' }).type).toBe('model');
    expect(extended({ classic: 'true', distribution: 'ubuntu', snaps: [gadget] }).type).toBe('model');
  });

  it('is signed by its brand', () => {
    expect(() => plain({ 'authority-id': 'other' })).toThrow(/must equal "authority-id"/);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['plain, without a kernel', () => plain({ kernel: undefined }), /"kernel" header is missing/],
    ['plain, with a grade', () => plain({ grade: 'signed' }), /"grade" header has no place/],
    ['plain, with a channel after the gadget', () => plain({ gadget: 'pi=24/stable' }), /a track alone/],
    ['plain, with a risk after the gadget', () => plain({ gadget: 'pi=edge' }), /a track alone/],
    ['plain, with a bad gadget', () => plain({ gadget: '-pi' }), /invalid snap name/],
    ['plain, with a bad required snap', () => plain({ 'required-snaps': ['UPPER'] }), /invalid snap name/],
    ['plain, with a distribution', () => plain({ distribution: 'ubuntu' }), /"distribution" header/],
    ['plain, with a bad base', () => plain({ base: '-' }), /invalid snap name/],
    ['classic, with a kernel', () => classic({ kernel: 'pi-kernel' }), /"kernel" header has no place/],
    ['classic by another word', () => classic({ classic: 'yes' }), /"true" or "false"/],
    ['extended, without a base', () => extended({ base: undefined }), /"base" header is missing/],
    ['extended, with a gadget header', () => extended({ gadget: 'pi' }), /"gadget" header has no place/],
    ['extended, without a gadget', () => extended({ snaps: [kernel] }), /does not name the gadget/],
    ['extended, without a kernel', () => extended({ snaps: [gadget] }), /does not name the kernel/],
    ['extended, of an unknown grade', () => extended({ grade: 'fine' }), /"grade" header must be one of/],
    [
      'secured, with weak storage',
      () => extended({ grade: 'secured', 'storage-safety': 'prefer-encrypted' }),
      /secured/,
    ],
    [
      'extended, with a base of its own that is not listed',
      () => extended({ base: 'my-base' }),
      /must name the base/,
    ],
    ['extended and classic, without a distribution', () => extended({ classic: 'true' }), /"distribution"/],
    [
      'with an account id that is none',
      () => plain({ 'serial-authority': ['Not An Id'] }),
      /"serial-authority"/,
    ],
    ['with any serial authority', () => plain({ 'serial-authority': '*' }), /must be a list of account ids/],
    ['without a timestamp', () => plain({ timestamp: undefined }), /"timestamp"/],
  ])('%s is refused', (_, act, words) => {
    expect(act).toThrow(words);
  });

  it('may let any account sign users', () => {
    expect(plain({ 'system-user-authority': '*', 'serial-authority': ['partner'] }).type).toBe('model');
  });
});

describe('the snaps of a model', () => {
  it.each<[string, { [name: string]: HeaderValue }]>([
    ['a channel of a track', { 'default-channel': '1.0/edge/branch' }],
    ['modes', { modes: ['run', 'recover'] }],
    ['a presence', { presence: 'optional' }],
    [
      'components',
      { components: { comp: 'required', 'comp-two': { presence: 'optional', modes: ['run'] } } },
    ],
  ])('can have %s', (_, snap) => {
    expect(withSnap(snap)).not.toThrow();
  });

  it.each<[string, { [name: string]: HeaderValue }, RegExp]>([
    ['a bad name', { name: 'A' }, /not a valid snap name/],
    ['a bad id', { id: 'short' }, /"id" of snap/],
    ['an unknown type', { type: 'thing' }, /"type" of snap/],
    ['a channel without a track', { 'default-channel': 'stable' }, /not a channel with a track/],
    ['an unknown presence', { presence: 'maybe' }, /"presence" of snap/],
    ['a bad mode', { modes: ['RUN'] }, /"modes" of snap/],
    ['classic confinement on a core system', { classic: 'true' }, /classic models only/],
    ['components that are no map', { components: 'all' }, /must be a map/],
    ['a component of an unknown presence', { components: { comp: 'maybe' } }, /presence/],
    [
      'a component with a mode that its snap has not',
      { components: { comp: { presence: 'optional', modes: ['recover'] } } },
      /which its snap has not/,
    ],
    [
      'a component with something unknown',
      { components: { comp: { presence: 'optional', colour: 'red' } } },
      /is not known/,
    ],
    ['a second kernel', { name: 'k2', type: 'kernel' }, /a snap of type "kernel" appears twice/],
    ['a name twice', { name: 'pi' }, /snap "pi" appears twice/],
    ['an id twice', { id: id('g') }, /snap id .* appears twice/],
    ['a presence of the base', { name: 'core24', type: 'base', presence: 'required' }, /always there/],
    ['modes of the base', { name: 'core24', type: 'base', modes: ['run'] }, /always there/],
    ['the base as another type', { name: 'core24', type: 'app' }, /must have type "base"/],
  ])('cannot have %s', (_, snap, words) => {
    expect(withSnap(snap)).toThrow(words);
  });

  it('need ids unless the grade is dangerous', () => {
    const snaps = [kernel, gadget, { name: 'local' }];
    expect(() => extended({ snaps })).toThrow(/"id" of snap "local" is missing/);
    expect(extended({ snaps, grade: 'dangerous' }).type).toBe('model');
  });

  it('must be a list of maps', () => {
    expect(() => extended({ snaps: 'all' })).toThrow(/must be a list/);
    expect(() => extended({ snaps: ['pi'] })).toThrow(/must be a list of maps/);
  });
});

describe('the validation sets of a model', () => {
  const model = (...sets: readonly { [name: string]: HeaderValue }[]): unknown =>
    plain({ 'validation-sets': sets });

  it('are named once for each account, the brand when none is given', () => {
    expect(() =>
      model({ name: 'base', mode: 'enforce' }, { name: 'base', mode: 'enforce', 'account-id': 'other' }),
    ).not.toThrow();
    expect(() =>
      model({ name: 'base', mode: 'enforce' }, { name: 'base', mode: 'enforce', 'account-id': 'acme' }),
    ).toThrow(/"acme\/base" appears twice/);
  });

  it('have a mode, and a sequence of one or more', () => {
    expect(() => model({ name: 'base', mode: 'prefer-enforce', sequence: '7' })).not.toThrow();
    expect(() => model({ name: 'base' })).toThrow(/"mode" of a validation set is missing/);
    expect(() => model({ name: 'base', mode: 'monitor' })).toThrow(
      /"mode" of a validation set must be one of/,
    );
    expect(() => model({ name: 'base', mode: 'enforce', sequence: '0' })).toThrow(/must be 1 or more/);
    expect(() => model({ name: 'Base', mode: 'enforce' })).toThrow(/"name"/);
  });
});
