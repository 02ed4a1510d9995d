import { describe, expect, test } from 'vitest';
import { mintMacaroon } from '../../src/publishers/index.ts';
import { parseLogin } from '../../src/upstream/index.ts';

const root = mintMacaroon({
  rootKey: Buffer.from('root'),
  identifier: 'r',
  location: 'dashboard',
  caveats: [],
});
const discharge = mintMacaroon({ rootKey: Buffer.from('d'), identifier: 'd', location: 'sso', caveats: [] });
const pair = { r: root, d: discharge };
const ini = `[login.ubuntu.com]\nmacaroon = ${root}\nunbound_discharge = ${discharge}\n`;
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('a login file', () => {
  test.each([
    ['of snapcraft 7 and later', base64(JSON.stringify({ t: 'u1-macaroon', v: pair }))],
    ['without a type', base64(JSON.stringify(pair))],
    ['that was decoded already', JSON.stringify(pair)],
    ['in the older INI form', ini],
    ['in the older INI form, in base64', base64(ini)],
  ])('%s gives root and bound discharge', (_, content) => {
    const { authorization } = parseLogin(`${content}\n`);
    expect(authorization).toMatch(/^Macaroon root="[^"]+", discharge="[^"]+"$/);
    expect(authorization).toContain(root);
    expect(authorization).not.toContain(discharge);
  });

  test('may be a lone macaroon of an authority', () => {
    expect(parseLogin(root).authorization).toBe(`Macaroon root="${root}"`);
  });

  test('may be one of the on-prem mode of snapcraft', () => {
    const content = base64(JSON.stringify({ t: 'macaroon', v: root }));
    expect(parseLogin(content).authorization).toBe(`Macaroon root="${root}"`);
  });

  test.each(['', 'hello', '{}', base64('{"r":"x"}'), base64('{"r":"x","d":"y"}')])(
    'is refused when it is %j',
    (content) => {
      expect(() => parseLogin(content)).toThrow(/^cannot read the login file/);
    },
  );
});
