import { AssertionError } from '../errors.ts';
import { fullText, instant, matchingText, optionalTextOf, refuse } from '../header-rules.ts';
import { text, textList } from '../header-values.ts';
import { ACCOUNT_ID, SERIES } from '../name-patterns.ts';
import { decodePublicKey } from '../public-key.ts';
import { defineType } from '../type-rules.ts';
import { inconsistent, modelName } from './shared.ts';

export const serial = defineType({
  name: 'serial',
  primaryKey: ['brand-id', 'model', 'serial'],
  timestamped: true,
  check(draft) {
    matchingText(draft, 'brand-id', ACCOUNT_ID);
    modelName(draft);
    const key = decodePublicKey(fullText(draft, 'device-key'));
    if (fullText(draft, 'device-key-sha3-384') !== key.keyId) {
      refuse('"device-key-sha3-384" header is not the id of the key in "device-key"');
    }
    instant(draft, 'timestamp');
  },
  async checkAgainst(assertion, known) {
    const brand = text(assertion, 'brand-id');
    const authority = assertion.authorityId;
    if (authority === brand) return;
    const model = await known.find('model', [SERIES, brand, text(assertion, 'model')]);
    const allowed = model !== undefined && textList(model, 'serial-authority').some((id) => id === authority);
    if (!allowed) {
      throw inconsistent(
        assertion,
        'it is not signed by its brand, nor by an account that its model allows to',
      );
    }
  },
});

export const serialRequest = defineType({
  name: 'serial-request',
  primaryKey: [],
  authority: 'none',
  check(draft) {
    fullText(draft, 'brand-id');
    modelName(draft);
    fullText(draft, 'request-id');
    optionalTextOf(draft, 'serial');
    const key = decodePublicKey(fullText(draft, 'device-key'));
    if (key.keyId !== draft.signKeyId) {
      throw new AssertionError(
        'header-invalid',
        'cannot accept the assertion: "device-key" header is not the key that signed',
      );
    }
  },
});

export const deviceSessionRequest = defineType({
  name: 'device-session-request',
  primaryKey: ['brand-id', 'model', 'serial'],
  authority: 'none',
  check(draft) {
    modelName(draft);
    fullText(draft, 'nonce');
    instant(draft, 'timestamp');
  },
});
