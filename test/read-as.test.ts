/** What people read when a request, a file or a setting does not have the form that it needs. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readAs } from '../src/read-as.ts';

const request = z.strictObject({
  name: z.string().min(1).max(8).optional(),
  series: z.literal('16', 'only series 16 is known').optional(),
  count: z.int().min(1).max(9).optional(),
  until: z.iso.datetime({ offset: true }).nullish(),
  at: z.url().optional(),
  mode: z.enum(['open', 'claims']).optional(),
  code: z.string().length(3).regex(/^x/).optional(),
  devices: z
    .array(z.object({ serial: z.string(), force: z.boolean().default(false) }))
    .min(1)
    .max(2)
    .optional(),
  either: z.union([z.string(), z.object({ by: z.object({ key: z.string() }) })]).optional(),
  kind: z
    .discriminatedUnion('of', [z.object({ of: z.literal('a') }), z.object({ of: z.literal('b') })])
    .optional(),
  network: z
    .string()
    .refine((text) => text.includes('.'), 'write an address')
    .optional(),
  odd: z
    .number()
    .refine((number) => number % 2 === 1)
    .multipleOf(3)
    .optional(),
  labels: z.record(z.string().max(3), z.string()).optional(),
});

describe('a fault names the first field and says what is needed there', () => {
  test.each([
    [undefined, 'it is missing'],
    ['text', 'an object is needed'],
    [{ name: 7 }, 'name: a text is needed'],
    [{ name: '' }, 'name: it must not be empty'],
    [{ name: 'nine char' }, 'name: at most 8 characters are allowed'],
    [{ series: '18' }, 'series: only series 16 is known'],
    [{ count: 1.5 }, 'count: a whole number is needed'],
    [{ count: 0 }, 'count: at least 1 is needed'],
    [{ count: 10 }, 'count: at most 9 is allowed'],
    [{ until: 'tomorrow' }, 'until: a time with its zone is needed, such as 2027-01-31T12:00:00Z'],
    [{ at: 'nowhere' }, 'at: a web address is needed, such as https://host.example/path'],
    [{ mode: 'closed' }, 'mode: "open" or "claims" is needed'],
    [{ code: 'ab' }, 'code: at least 3 characters are needed'],
    [{ code: 'abc' }, 'code: it does not have the expected form'],
    [{ devices: {} }, 'devices: a list is needed'],
    [{ devices: [] }, 'devices: it must not be empty'],
    [{ devices: [{ serial: 'S' }, {}] }, 'devices.1.serial: it is missing'],
    [{ devices: [{ serial: 'S', force: 'yes' }] }, 'devices.0.force: true or false is needed'],
    [{ devices: [1] }, 'devices.0: an object is needed'],
    [{ devices: [1, 2, 3] }, 'devices: at most 2 entries are allowed'],
    [{ either: { by: {} } }, 'either.by.key: it is missing'],
    [{ either: 7 }, 'either: it does not have the expected form'],
    [{ kind: { of: 'c' } }, 'kind.of: it does not have the expected form'],
    [{ network: 'x' }, 'network: write an address'],
    [{ odd: 2 }, 'odd: it does not have the expected form'],
    [{ odd: 5 }, 'odd: a multiple of 3 is needed'],
    [{ labels: { long: 'x' } }, 'labels.long: no field may have this name'],
    [{ nmae: 'x', sereis: 'y' }, 'there is no field "nmae" or "sereis"'],
  ])('%j', (value, fault) => {
    expect(readAs(request, value)).toMatchObject({ success: false, fault });
  });

  test('and what has the form is given as it was read', () => {
    const read = readAs(request, { devices: [{ serial: 'S' }] });
    expect(read).toEqual({ success: true, data: { devices: [{ serial: 'S', force: false }] } });
  });
});
