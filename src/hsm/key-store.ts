import type { Handle, PKCS11, Template } from 'pkcs11js';
import { CK } from './cryptoki.ts';
import { TokenFault } from './fault.ts';

/** An RSA public key as two big-endian integers without leading zeros. */
export interface RsaPublicKey {
  readonly n: Uint8Array;
  readonly e: Uint8Array;
}

const RSA_F4 = Buffer.from([1, 0, 1]);

/**
 * The RSA key pairs of one token. PKCS#11 lets any number of objects share a CKA_ID. A search decrypts every object of the
 * token, so handles are remembered.
 */
export class KeyStore {
  readonly #lib: PKCS11;
  readonly #slot: Handle;
  /** For look-ups only: they are synchronous, so it is always free. */
  readonly #desk: Handle;
  readonly #handles = new Map<string, Handle>();

  constructor(lib: PKCS11, slot: Handle, desk: Handle) {
    this.#lib = lib;
    this.#slot = slot;
    this.#desk = desk;
  }

  ping(): void {
    this.#lib.C_GetSessionInfo(this.#desk);
  }

  /** The handle of a private key. Throws a {@link TokenFault} `key-missing` or `key-ambiguous`. */
  privateHandle(key: string): Handle {
    const known = this.#handles.get(key);
    if (known) return known;
    const handle = this.#lookUp(key);
    if (!handle) throw new TokenFault('key-missing', `the token holds no private key with the id ${key}`);
    return handle;
  }

  forget(key: string): void {
    this.#handles.delete(key);
  }

  find(key: string): RsaPublicKey | null {
    const handle = this.#lookUp(key);
    return handle ? this.#publicHalf(handle, key) : null;
  }

  list(): { id: string; label: string; publicKey: RsaPublicKey }[] {
    const handles = this.#search([
      { type: CK.CKA_CLASS, value: CK.CKO_PRIVATE_KEY },
      { type: CK.CKA_KEY_TYPE, value: CK.CKK_RSA },
    ]);
    return handles.flatMap((handle) => {
      const [id, label] = this.#read(handle, [CK.CKA_ID, CK.CKA_LABEL]);
      // A key without an id was not made by us and cannot be named.
      if (!id || id.length === 0) return [];
      const key = id.toString('hex');
      return [{ id: key, label: label?.toString('utf8') ?? '', publicKey: this.#publicHalf(handle, key) }];
    });
  }

  /** Makes a pair on the token, without looking whether there is one. */
  async generate(key: string, label: string, bits: number): Promise<RsaPublicKey> {
    const id = Buffer.from(key, 'hex');
    const session = this.#lib.C_OpenSession(this.#slot, CK.CKF_SERIAL_SESSION | CK.CKF_RW_SESSION);
    try {
      const pair = await this.#lib.C_GenerateKeyPairAsync(
        session,
        { mechanism: CK.CKM_RSA_PKCS_KEY_PAIR_GEN },
        publicTemplate(id, label, bits),
        privateTemplate(id, label),
      );
      const [extractable, sensitive] = this.#read(pair.privateKey, [CK.CKA_EXTRACTABLE, CK.CKA_SENSITIVE]);
      if (extractable?.[0] !== 0 || sensitive?.[0] !== 1) {
        this.#destroy([pair.privateKey, pair.publicKey]);
        throw new TokenFault('key-unprotected', 'the token made a private key that can be read out of it');
      }
      return this.#publicHalf(pair.privateKey, key);
    } finally {
      this.#lib.C_CloseSession(session);
    }
  }

  /**
   * After a generation: whether our pair is the only one with its id. If it is, lone public halves that a crash left behind
   * are removed; if not, ours is, because another process may have handed out its own already.
   */
  settleTwins(key: string, ours: RsaPublicKey): boolean {
    const mine = (handle: Handle) => Buffer.compare(this.#publicHalf(handle, key).n, ours.n) === 0;
    const alone = this.#objects(CK.CKO_PRIVATE_KEY, key).length === 1;
    const privateKeys = alone ? [] : this.#objects(CK.CKO_PRIVATE_KEY, key).filter(mine);
    const publicKeys = this.#objects(CK.CKO_PUBLIC_KEY, key).filter((handle) => mine(handle) !== alone);
    this.forget(key);
    this.#destroy([...privateKeys, ...publicKeys]);
    return alone;
  }

  /** Removes the pair; removing what is not there is no error. */
  delete(key: string): void {
    this.forget(key);
    this.#destroy([...this.#objects(CK.CKO_PRIVATE_KEY, key), ...this.#objects(CK.CKO_PUBLIC_KEY, key)]);
  }

  #lookUp(key: string): Handle | undefined {
    const [first, second] = this.#objects(CK.CKO_PRIVATE_KEY, key);
    if (second) {
      this.forget(key);
      throw new TokenFault(
        'key-ambiguous',
        `the token holds two private keys with the id ${key}; delete the one not in use`,
      );
    }
    if (first) this.#handles.set(key, first);
    else this.forget(key);
    return first;
  }

  #objects(objectClass: number, key: string): Handle[] {
    return this.#search([
      { type: CK.CKA_CLASS, value: objectClass },
      { type: CK.CKA_ID, value: Buffer.from(key, 'hex') },
    ]);
  }

  #search(template: Template): Handle[] {
    const found: Handle[] = [];
    this.#lib.C_FindObjectsInit(this.#desk, template);
    try {
      for (;;) {
        const batch = this.#lib.C_FindObjects(this.#desk, 100);
        if (batch.length === 0) return found;
        found.push(...batch);
      }
    } finally {
      this.#lib.C_FindObjectsFinal(this.#desk);
    }
  }

  /** Private RSA keys show modulus and exponent too; tokens that hide them there keep them in the public object. */
  #publicHalf(privateHandle: Handle, key: string): RsaPublicKey {
    for (const handle of [privateHandle, ...this.#objects(CK.CKO_PUBLIC_KEY, key)]) {
      try {
        const [n, e] = this.#read(handle, [CK.CKA_MODULUS, CK.CKA_PUBLIC_EXPONENT]);
        if (n && e && n.length > 0 && e.length > 0)
          return { n: withoutLeadingZeros(n), e: withoutLeadingZeros(e) };
      } catch (error) {
        if (handle !== privateHandle) throw error;
      }
    }
    throw new TokenFault('key-missing', `the token does not show the public half of the key ${key}`);
  }

  #read(handle: Handle, types: readonly number[]): (Buffer | undefined)[] {
    const template = types.map((type) => ({ type }));
    return this.#lib.C_GetAttributeValue(this.#desk, handle, template).map((attribute) => attribute.value);
  }

  #destroy(handles: readonly Handle[]): void {
    for (const handle of handles) this.#lib.C_DestroyObject(this.#desk, handle);
  }
}

function publicTemplate(id: Buffer, label: string, bits: number): Template {
  return [
    { type: CK.CKA_CLASS, value: CK.CKO_PUBLIC_KEY },
    { type: CK.CKA_TOKEN, value: true },
    { type: CK.CKA_ID, value: id },
    { type: CK.CKA_LABEL, value: label },
    { type: CK.CKA_MODULUS_BITS, value: bits },
    { type: CK.CKA_PUBLIC_EXPONENT, value: RSA_F4 },
    { type: CK.CKA_VERIFY, value: true },
    { type: CK.CKA_ENCRYPT, value: false },
    { type: CK.CKA_WRAP, value: false },
  ];
}

function privateTemplate(id: Buffer, label: string): Template {
  return [
    { type: CK.CKA_CLASS, value: CK.CKO_PRIVATE_KEY },
    { type: CK.CKA_TOKEN, value: true },
    { type: CK.CKA_PRIVATE, value: true },
    { type: CK.CKA_SENSITIVE, value: true },
    { type: CK.CKA_EXTRACTABLE, value: false },
    { type: CK.CKA_ID, value: id },
    { type: CK.CKA_LABEL, value: label },
    { type: CK.CKA_SIGN, value: true },
    { type: CK.CKA_DECRYPT, value: false },
    { type: CK.CKA_UNWRAP, value: false },
  ];
}

function withoutLeadingZeros(integer: Uint8Array): Uint8Array {
  let start = 0;
  while (start < integer.length - 1 && integer[start] === 0) start++;
  return Uint8Array.from(integer.subarray(start));
}
