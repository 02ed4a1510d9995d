import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  base32Groups,
  chooseSerial,
  isSerialNumber,
  madeSerial,
  parseSerialNumber,
  pickListed,
  type ListedSerial,
  type SerialSource,
} from '../../src/devices/index.ts';

const device = { brandId: 'acme', model: 'model-a', deviceKeyId: 'k'.repeat(64) };

describe('a serial number that the service makes', () => {
  it('is in the strict form, the same for the same device, and another for another', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (one, other) => {
        const made = madeSerial({ ...device, deviceKeyId: one, prefix: '' });
        expect(isSerialNumber(made)).toBe(true);
        expect(madeSerial({ ...device, deviceKeyId: one, prefix: '' })).toBe(made);
        if (one !== other) expect(madeSerial({ ...device, deviceKeyId: other, prefix: '' })).not.toBe(made);
      }),
    );
  });

  it('is written as the scheme states: Crockford base32 in groups of five, most significant bits first', () => {
    expect(base32Groups(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0), 16)).toBe(
      'zzzzz-zzz00-00000-0',
    );
    expect(base32Groups(Uint8Array.of(0b00001_000, 0b10_00011_0), 3)).toBe('123');
  });
});

describe('the choice of a serial number', () => {
  const choose = (source: SerialSource, proposed?: string, entry?: ListedSerial, former?: string) =>
    chooseSerial(
      { source, prefix: 'ACME-' },
      {
        ...device,
        proposed: proposed === undefined ? undefined : parseSerialNumber(proposed),
        former,
        entry,
      },
    );

  it('follows the scheme of the model', () => {
    expect(choose('proposed', 'S-1')).toBe('S-1');
    expect(() => choose('proposed')).toThrow('registration.proposed-serial');
    expect(choose('proposed-or-made', 'S-1')).toBe('S-1');
    expect(choose('proposed-or-made')).toMatch(/^ACME-[0-9a-z]{5}-/);
    expect(choose('made', 'S-1')).toMatch(/^ACME-/);
    expect(choose('allow-list', 'S-1', { serial: 'L-1', deviceKeyId: undefined, takenBy: undefined })).toBe(
      'L-1',
    );
    expect(() => choose('allow-list')).toThrow('none that is free');
  });

  it('keeps the former number of a remodelled device unless it proposes another', () => {
    expect(choose('proposed-or-made', undefined, undefined, 'OLD-1')).toBe('OLD-1');
    expect(choose('proposed-or-made', 'NEW-1', undefined, 'OLD-1')).toBe('NEW-1');
    expect(choose('proposed-or-made', undefined, undefined, 'old form/1')).toMatch(/^ACME-/);
  });
});

describe('an allow-list', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const entries = fc.uniqueArray(
    fc.record({
      serial: fc.constantFrom('S-1', 'S-2', 'S-3', 'S-4'),
      deviceKeyId: fc.option(key, { nil: undefined }),
      takenBy: fc.option(key, { nil: undefined }),
    }),
    { selector: ({ serial }) => serial },
  );

  it('never gives an entry that is another device’s', () => {
    fc.assert(
      fc.property(
        entries,
        key,
        fc.option(fc.constantFrom('S-1', 'S-9'), { nil: undefined }),
        fc.boolean(),
        (list, who, proposed, pool) => {
          const picked = pickListed(list, { deviceKeyId: who, proposed, pool });
          if (picked === undefined) return;
          expect([undefined, who]).toContain(picked.takenBy);
          expect([undefined, who]).toContain(picked.deviceKeyId);
          if (proposed !== undefined) expect(picked.serial).toBe(proposed);
        },
      ),
    );
  });

  it('gives a device what it has already, before anything that is free', () => {
    const list = [
      { serial: 'S-1', deviceKeyId: undefined, takenBy: undefined },
      { serial: 'S-2', deviceKeyId: undefined, takenBy: 'me' },
    ];
    expect(pickListed(list, { deviceKeyId: 'me', proposed: undefined, pool: true })?.serial).toBe('S-2');
    expect(pickListed(list, { deviceKeyId: 'new', proposed: undefined, pool: true })?.serial).toBe('S-1');
    expect(pickListed(list, { deviceKeyId: 'new', proposed: undefined, pool: false })).toBeUndefined();
  });
});

describe('the form of serial numbers', () => {
  it.each(['a', 'A-1', '00:16:3e', 'x+y', '1'.repeat(128)])('takes %s', (text) => {
    expect(isSerialNumber(text)).toBe(true);
  });

  it.each(['', '-a', 'a-', 'a--b', 'a/b', 'a b', 'ü', '1'.repeat(129), 'a\n'])('refuses %j', (text) => {
    expect(isSerialNumber(text)).toBe(false);
  });
});
