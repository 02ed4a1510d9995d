import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { SecretForm, SettingRule, TextForm } from './setting-keys.ts';

/** Shorter ones could be found by trying: what they sign would be anybody's. */
const LEAST_SECRET = 16;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

interface Form {
  /** Completes "it must be …". */
  readonly words: string;
  readonly holds: (text: string) => boolean;
}

const FORMS: Readonly<Record<TextForm | SecretForm, Form>> = {
  'web-address': {
    words: 'an address such as https://store.example, with no user in it',
    // Nobody asks an address with a password in it; it would only be told in lists and errors.
    holds: (text) => isWebAddress(text) && !isPersonal(new URL(text)),
  },
  'proxy-address': {
    words: 'the address of a proxy such as http://proxy.example:3128',
    holds: (text) => isWebAddress(text) && /^\/?$/.test(afterHost(new URL(text))),
  },
  'bucket-word': {
    words: 'one word such as my-bucket',
    holds: (text) => /^[^\s/]{1,255}$/.test(text),
  },
  'mail-address': {
    words: 'an e-mail address such as admin@brand.example',
    holds: (text) => /^[^\s@,"<>]+@[^\s@,"<>]+$/.test(text),
  },
  host: {
    words: 'a name or address such as store.example, without http://',
    holds: (text) =>
      isIP(text.replace(/^\[(.+)\]$/, '$1')) !== 0 ||
      /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?(:\d{1,5})?$/i.test(text),
  },
  'ip-address': {
    words: 'an IP address such as 10.0.0.7 or [::]',
    holds: (text) => isIP(text.replace(/^\[(.+)\]$/, '$1')) !== 0,
  },
  certificates: {
    words:
      'a certificate in PEM, whole, with its intermediates after it; import-certificate takes it with its key',
    holds: (text) => {
      const found = text.match(CERTIFICATE) ?? [];
      return found.length > 0 && found.every((pem) => isRead(() => new X509Certificate(pem)));
    },
  },
  'rsa-public-key': {
    words: 'an RSA public key in PEM, whole',
    holds: (text) =>
      isRead(
        () => createPublicKey(text),
        (key) => key.asymmetricKeyType === 'rsa',
      ),
  },
  'private-key': {
    words: 'a private key in PEM, whole and without a passphrase',
    holds: (text) => isRead(() => createPrivateKey(text)),
  },
  'signing-secret': {
    words: `a secret of at least ${LEAST_SECRET} characters, as others could guess what it signs`,
    holds: (text) => text.length >= LEAST_SECRET,
  },
  /** What it means is not ours to say: it is kept, and not used. */
  connection: { words: 'a connection', holds: () => true },
};

/**
 * What is wrong with the form of a value that an operator writes, as in "must be …"; undefined where nothing is. A secret is never
 * told. Only of what is written: a value that an older Airlock took is still read.
 */
export function brokenForm(
  rule: SettingRule,
  value: string | number | boolean | readonly string[],
): string | undefined {
  if (!('form' in rule) || rule.form === undefined || value === rule.default) return undefined;
  const { words, holds } = FORMS[rule.form];
  if (typeof value === 'string' && !holds(value)) return `must be ${words}`;
  const wrong = typeof value === 'object' ? value.find((item) => !holds(item)) : undefined;
  return wrong === undefined
    ? undefined
    : `must be a list, each ${words}, and "${wrong.slice(0, 100)}" is none`;
}

function isWebAddress(text: string): boolean {
  return /^https?:\/\/[^\s/]+\S*$/.test(text) && URL.canParse(text);
}

function isPersonal({ username, password }: URL): boolean {
  return username !== '' || password !== '';
}

function afterHost({ pathname, search, hash }: URL): string {
  return pathname + search + hash;
}

function isRead<Read>(read: () => Read, holds: (read: Read) => boolean = () => true): boolean {
  try {
    return holds(read());
  } catch {
    return false;
  }
}
