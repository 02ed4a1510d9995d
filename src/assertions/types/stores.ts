import { quoted } from '../errors.ts';
import { fullText, instant, optionalTextOf, refuse, texts, type Scope } from '../header-rules.ts';
import { text } from '../header-values.ts';
import { defineType } from '../type-rules.ts';
import { requireAccount, requireRootAuthority } from './shared.ts';

export const store = defineType({
  name: 'store',
  primaryKey: ['store'],
  timestamped: true,
  check(draft) {
    fullText(draft, 'operator-id');
    checkAddress(draft);
    texts(draft, 'friendly-stores');
    optionalTextOf(draft, 'location');
    instant(draft, 'timestamp');
  },
  prerequisites: (assertion) => [{ type: 'account', primaryKey: [text(assertion, 'operator-id')] }],
  async checkAgainst(assertion, known) {
    await requireRootAuthority(assertion, known);
    await requireAccount(assertion, text(assertion, 'operator-id'), known);
  },
});

/** The store's address: http or https, with a host, without query and fragment. */
function checkAddress(scope: Scope): void {
  const url = optionalTextOf(scope, 'url');
  if (url === undefined) return;
  const match = /^(https?):\/\/(?:[^/?#]*@)?([^/?#@]*)([^?#]*)(\?[^#]*)?(#.*)?$/is.exec(url);
  if (match === null) return refuse(`"url" header is not an http or https address: ${quoted(url)}`);
  const [, , host = '', path = '', query = '', fragment = ''] = match;
  if (host === '') refuse(`"url" header has no host: ${quoted(url)}`);
  // A port of digits, a bracketed IPv6 address, and only characters that an address can hold.
  const wellFormed =
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    !/[\u0000-\u0020\u007f]/.test(host + path) &&
    /^(?:\[[0-9A-Za-z:.%]*\]|[^:[\]\\^`{|}%]*)(?::[0-9]*)?$/.test(host) &&
    !/%(?![0-9A-Fa-f]{2})/.test(path);
  if (!wellFormed) refuse(`"url" header is not a valid address: ${quoted(url)}`);
  if (query.length > 1) refuse(`"url" header must not have a query: ${quoted(url)}`);
  if (fragment.length > 1) refuse(`"url" header must not have a fragment: ${quoted(url)}`);
}
