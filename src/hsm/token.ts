import { PKCS11, type Handle } from 'pkcs11js';
import { CK } from './cryptoki.ts';
import { TokenFault, pinGuard, returnValueOf } from './fault.ts';
import { KeyStore } from './key-store.ts';
import type { TokenDescription } from './protocol.ts';

/** SHA-512's AlgorithmIdentifier and octet string header of RFC 8017 section 9.2; the digest follows. */
const SHA512_DIGEST_INFO = Buffer.from('3051300d060960864801650304020305000440', 'hex');
/** Room for the signature of the largest RSA key that we would meet, 8192 bits. */
const SIGNATURE_ROOM = 1024;

const CKR_SESSION_COUNT = 0xb1;
const CKR_KEY_HANDLE_INVALID = 0x60;
const CKR_OBJECT_HANDLE_INVALID = 0x82;
const CKR_USER_ALREADY_LOGGED_IN = 0x100;

export interface TokenOptions {
  readonly module: string;
  readonly tokenLabel: string;
  readonly tokenSerial?: string | undefined;
  readonly pin: string;
  /** How many signatures may be under way at once. */
  readonly sessions: number;
}

/** A signature, and how long the token worked on it: waiting for a free session is not counted. */
export interface TokenSignature {
  readonly signature: Uint8Array;
  readonly milliseconds: number;
}

/**
 * One logged-in token, inside the child process. A session does one thing at a time (it answers CKR_OPERATION_ACTIVE
 * otherwise), so there is a pool for signing, one for look-ups, which are synchronous, and one of its own for each
 * key generation.
 */
export class Token {
  readonly description: TokenDescription;
  readonly keys: KeyStore;
  readonly #lib: PKCS11;
  readonly #slot: Handle;
  readonly #idle: Handle[];
  readonly #waiting: ((session: Handle) => void)[] = [];

  private constructor(
    lib: PKCS11,
    slot: Handle,
    description: TokenDescription,
    desk: Handle,
    pool: Handle[],
  ) {
    this.#lib = lib;
    this.#slot = slot;
    this.description = description;
    this.#idle = pool;
    this.keys = new KeyStore(lib, slot, desk);
  }

  /** Loads the module, finds the token by its label and logs in once. Throws {@link TokenFault} or a PKCS#11 error. */
  static open(options: TokenOptions): Token {
    const lib = loadModule(options.module);
    // Without this flag the library believes that one thread calls it, and asynchronous calls crash the process.
    lib.C_Initialize({ flags: CK.CKF_OS_LOCKING_OK });
    try {
      return Token.#logIn(lib, options);
    } catch (error) {
      // A library that stays initialised refuses to be so once more.
      lib.C_Finalize();
      lib.close();
      throw error;
    }
  }

  static #logIn(lib: PKCS11, { tokenLabel, tokenSerial, pin, sessions }: TokenOptions): Token {
    const { slot, flags, description } = findSlot(lib, tokenLabel, tokenSerial);
    const guard = pinGuard(flags);
    if (guard) throw guard;
    const desk = lib.C_OpenSession(slot, CK.CKF_SERIAL_SESSION | CK.CKF_RW_SESSION);
    try {
      lib.C_Login(desk, CK.CKU_USER, pin);
    } catch (error) {
      if (returnValueOf(error) !== CKR_USER_ALREADY_LOGGED_IN) throw error;
    }
    return new Token(lib, slot, description, desk, openPool(lib, slot, sessions));
  }

  /** Signs a SHA-512 digest with RSASSA-PKCS1-v1_5; resolves to as many bytes as the modulus has, and how long the token took. */
  async sign(key: string, digest: Uint8Array): Promise<TokenSignature> {
    const session = this.#idle.pop() ?? (await new Promise<Handle>((resolve) => this.#waiting.push(resolve)));
    const begun = performance.now();
    let healthy = false;
    try {
      const signature = await this.#signIn(session, key, digest);
      healthy = true;
      return { signature, milliseconds: performance.now() - begun };
    } finally {
      this.#giveBack(session, healthy);
    }
  }

  /** Throws when the session or the token is gone. */
  ping(): void {
    this.keys.ping();
    this.#lib.C_GetTokenInfo(this.#slot);
  }

  /** Logs out and lets the library go; nothing may be under way. */
  close(): void {
    this.#lib.C_CloseAllSessions(this.#slot);
    this.#lib.C_Finalize();
    this.#lib.close();
  }

  async #signIn(session: Handle, key: string, digest: Uint8Array): Promise<Uint8Array> {
    const data = Buffer.concat([SHA512_DIGEST_INFO, digest]);
    try {
      this.#lib.C_SignInit(session, { mechanism: CK.CKM_RSA_PKCS }, this.keys.privateHandle(key));
    } catch (error) {
      const value = returnValueOf(error);
      if (value !== CKR_KEY_HANDLE_INVALID && value !== CKR_OBJECT_HANDLE_INVALID) throw error;
      // The object was replaced or deleted by somebody else: look once more before believing that it is gone.
      this.keys.forget(key);
      this.#lib.C_SignInit(session, { mechanism: CK.CKM_RSA_PKCS }, this.keys.privateHandle(key));
    }
    return this.#lib.C_SignAsync(session, data, Buffer.allocUnsafe(SIGNATURE_ROOM));
  }

  #giveBack(session: Handle, healthy: boolean): void {
    const usable = healthy ? session : this.#replace(session);
    const next = this.#waiting.shift();
    if (next) next(usable);
    else this.#idle.push(usable);
  }

  /** A session in which a call failed may still hold a half-made operation, so it is not used again. */
  #replace(session: Handle): Handle {
    try {
      this.#lib.C_CloseSession(session);
      return this.#lib.C_OpenSession(this.#slot, CK.CKF_SERIAL_SESSION);
    } catch {
      // The connection is gone; whoever signs next in this session learns it from the token itself.
      return session;
    }
  }
}

/** Loads a PKCS#11 library without initialising it. Throws a {@link TokenFault} when it cannot be loaded. */
export function loadModule(path: string): PKCS11 {
  const lib = new PKCS11();
  try {
    lib.load(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new TokenFault('module', `the PKCS#11 module ${path} cannot be loaded: ${why}`);
  }
  return lib;
}

/** The slot of the initialised token with this label; labels are padded with blanks to 32 bytes on the token. */
export function findSlot(
  lib: PKCS11,
  label: string,
  serial?: string,
): { slot: Handle; flags: number; description: TokenDescription } {
  const found = [];
  for (const slot of lib.C_GetSlotList(true)) {
    const info = lib.C_GetTokenInfo(slot);
    if ((info.flags & CK.CKF_TOKEN_INITIALIZED) === 0 || info.label.trimEnd() !== label) continue;
    const description = {
      label,
      manufacturer: info.manufacturerID.trim(),
      model: info.model.trim(),
      serial: info.serialNumber.trim(),
    };
    if (serial === undefined || serial === description.serial)
      found.push({ slot, flags: info.flags, description });
  }
  const [first, second] = found;
  if (second)
    throw new TokenFault('no-token', `two tokens carry the label "${label}"; name one by its serial number`);
  if (!first) throw new TokenFault('no-token', `no slot carries the token "${label}"`);
  return first;
}

/** As many sessions as asked for, or as many as the token grants, but at least one. */
function openPool(lib: PKCS11, slot: Handle, wanted: number): Handle[] {
  const pool: Handle[] = [];
  while (pool.length < wanted) {
    try {
      pool.push(lib.C_OpenSession(slot, CK.CKF_SERIAL_SESSION));
    } catch (error) {
      if (pool.length === 0 || returnValueOf(error) !== CKR_SESSION_COUNT) throw error;
      break;
    }
  }
  return pool;
}
